import Type from "typebox";
import type { Static } from "typebox";
import { EventSchema } from "./event.ts";
import { ProblemSchema } from "./errors.ts";

export const IngestQuery = Type.Object(
  {
    partial: Type.Optional(
      Type.Boolean({ default: false, description: "accept the good events of a request that has bad ones too" }),
    ),
    wait: Type.Optional(
      Type.Enum(["durable", "counted"], {
        default: "durable",
        description: "answer when the events would survive a crash, or when they are in every active rule",
      }),
    ),
  },
  { additionalProperties: false },
);
export type IngestQuery = Required<Static<typeof IngestQuery>>;

export const IngestBody = Type.Union([Type.Array(EventSchema, { minItems: 1 }), EventSchema]);

const { event_id: eventId, event_type: eventType, user_id: userId, timestamp, payload } = EventSchema.properties;
const becomes = (key: string) => `becomes ${key}`;

/**
 * A CloudEvents 1.0 envelope: id, type, time, subject and data become the event; other attributes are ignored. Checked by hand
 * (`ingest/cloudevents.ts`); a property test holds both together.
 */
export const CloudEventSchema = Type.Object(
  {
    specversion: Type.Literal("1.0"),
    id: { ...eventId, description: becomes("event_id") },
    type: { ...eventType, description: becomes("event_type") },
    subject: Type.Union(userId.anyOf, { description: becomes("user_id") }),
    time: Type.Optional(
      Type.Union([...timestamp.anyOf, Type.Null()], {
        description: `${becomes("timestamp")}; without it, or with null, the time of arrival`,
      }),
    ),
    data: Type.Optional(Type.Union([payload, Type.Null()], { description: `${becomes("payload")}; null is no data` })),
    data_base64: Type.Optional(Type.Never({ description: "is not taken; send `data` as an object" })),
  },
  {
    additionalProperties: true,
    description:
      "a CloudEvent. Other attributes are ignored, so `source`, which CloudEvents 1.0 requires, may be missing",
  },
);

const RefusedEvent = Type.Object({
  index: Type.Integer({ description: "which event of the request, from 0" }),
  line: Type.Optional(Type.Integer({ description: "its line in NDJSON, from 1" })),
  problems: Type.Array(ProblemSchema),
});

export const IngestAnswer = Type.Object(
  {
    status: Type.Literal("accepted"),
    count: Type.Integer({ description: "events that were accepted" }),
    token: Type.String({ description: "for `GET /ingest/status`" }),
    refused_count: Type.Optional(Type.Integer({ description: "with `partial=true`: events that were refused" })),
    refused: Type.Optional(Type.Array(RefusedEvent, { description: "with `partial=true`: the first 100 of them" })),
  },
  { description: "the events are durable" },
);
export type IngestAnswer = Static<typeof IngestAnswer>;

export const StatusQuery = Type.Object(
  {
    // Node takes 16 KiB for the whole head of a request.
    token: Type.String({ minLength: 1, maxLength: 15_000, description: "as `POST /ingest` answered it" }),
    wait: Type.Optional(
      Type.String({
        pattern: "^(60|[1-5]?\\d)s$",
        description: "wait up to so long, 60 s at most, until the events are counted",
        examples: ["5s"],
      }),
    ),
  },
  { additionalProperties: false },
);
export type StatusQuery = Static<typeof StatusQuery>;

export const StatusAnswer = Type.Object(
  {
    durable: Type.Boolean({ description: "the events would survive a crash" }),
    counted: Type.Boolean({ description: "they are in the raw store and in every active rule" }),
  },
  { description: "how far the events of a token are" },
);

export const cloudEventBatch = Type.Array(CloudEventSchema, { minItems: 1 });
