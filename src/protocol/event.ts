import Type from "typebox";
import { eventLimits } from "../event/limits.ts";

const text = (description: string) => Type.String({ minLength: 1, maxLength: eventLimits.textCharsMax, description });

/** One event as it is sent. Checked by hand on the way in (`event/check.ts`); a property test holds both together. */
export const EventSchema = Type.Object(
  {
    event_id: text("names the event; a repeated one is accepted and counted once"),
    user_id: Type.Union([
      text("whose event it is"),
      Type.Integer({
        minimum: Number.MIN_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "stored as its decimal text",
      }),
    ]),
    event_type: text("what happened"),
    timestamp: Type.Union([
      Type.String({
        pattern: "^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$",
        maxLength: 64,
        description: "when it happened: RFC 3339 with any offset, cut to milliseconds, from 1970 to one day ahead",
        examples: ["2026-01-13T10:00:00Z"],
      }),
      Type.Integer({ minimum: 0, description: "the same in milliseconds since 1970" }),
    ]),
    payload: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: `any object; up to ${eventLimits.payloadDepthMax} levels, ${eventLimits.payloadKeysMax} keys, keys of ${eventLimits.payloadKeyBytesMax} bytes, integers of 64 bits; the event as a whole up to ${eventLimits.eventBytesMax} bytes`,
      }),
    ),
  },
  { additionalProperties: false, description: "an event" },
);
