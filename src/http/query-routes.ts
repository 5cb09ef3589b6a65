import { ErrorBody } from "../protocol/errors.ts";
import { RejectsAnswer, RejectsDropAnswer, RejectsDropParameters, RejectsParameters } from "../protocol/rejects.ts";
import { EventsAnswer, EventsParameters, StatsAnswer, StatsParametersDocument } from "../protocol/stats.ts";
import { NoParameters } from "../protocol/rules.ts";
import { StatusAnswer } from "../protocol/status.ts";
import { eventsText } from "../query/events.ts";
import { rejectsText } from "../query/rejects.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { goneSignal } from "../lib/unanswered.ts";
import type { Query } from "../query/query.ts";
import type { RawParameters } from "../query/parameters.ts";
import { formatOf } from "../query/stats-request.ts";
import { leftToTheService } from "./left-to-the-service.ts";
import type { Routes } from "./server.ts";
import { answerTable, tableFiles } from "./stats-table.ts";

const statsDescription = [
  "One row per window and group with `from ≤ window_start < to`; without times the last 24 hours.",
  "Each group key of the rule is a filter by equality: `event_type=purchase`, `user_id=u1`, `group.payload.country=DE`;",
  "`null_group=payload.country` asks for the group that has no value there.",
  "With `format` the rows come as a file: `ndjson` and `csv` with times as text (in CSV a null is empty and an empty text is",
  '`""`), `parquet` (Snappy) and `arrow` (IPC file, not compressed) with UTC timestamps of milliseconds.',
  "All have the rows of the JSON answer, in its order, with the same numbers. When there are more rows than `limit`, the",
  "header `X-Next-Cursor` has the `cursor` of the next page; `X-Complete` is the `complete` of the JSON answer. Rows that",
  "come into a page while it is being read are in it, beyond `limit`. The value of `first` and `last` is a text in all but",
  "`ndjson`, that of `top_k` a list of `value` and `count`, in CSV as JSON. Tables are made as a whole before they are sent:",
  "at most two at a time (429), of at most 128 MiB in memory each (400).",
].join(" ");

/** `GET /stats`, `GET /events`, `/rejects`, `GET /status`. */
export function queryRoutes(
  query: Pick<Query, "stats" | "statsTable" | "events" | "rejects" | "dropRejects" | "status">,
  clock: Pick<Clock, "monotonic" | "every"> = systemClock,
): Routes {
  return (server) => {
    server.get("/stats", { schema: statsSchema, validatorCompiler: leftToTheService }, (request, reply) => {
      const parameters = request.query as RawParameters;
      return formatOf(parameters) === "json"
        ? query.stats(parameters, goneSignal(reply.raw))
        : answerTable(query, request, reply, clock);
    });
    server.get("/events", { schema: eventsSchema, validatorCompiler: leftToTheService }, async (request, reply) => {
      const page = await query.events(request.query as RawParameters, goneSignal(reply.raw));
      return reply.type("application/json; charset=utf-8").send(eventsText(page));
    });
    server.get("/rejects", { schema: rejectsSchema, validatorCompiler: leftToTheService }, async (request, reply) => {
      const page = await query.rejects(request.query as RawParameters, goneSignal(reply.raw));
      return reply.type("application/json; charset=utf-8").send(rejectsText(page));
    });
    server.delete("/rejects", { schema: dropSchema, validatorCompiler: leftToTheService }, (request) =>
      query.dropRejects(request.query as RawParameters),
    );
    server.get("/status", { schema: statusSchema }, () => query.status());
  };
}

const tags = ["analytics"];
const refusals = { 422: ErrorBody, 504: ErrorBody };
const statsSchema = {
  tags,
  summary: "The windows of a rule",
  description: statsDescription,
  querystring: StatsParametersDocument,
  response: { 200: statsAnswers(), 404: ErrorBody, 409: ErrorBody, ...refusals },
};

/** The answer by content type, and the headers that only tables have. */
function statsAnswers(): object {
  const types = Object.values(tableFiles).map(({ type }) => [type.split(";", 1)[0], { schema: { type: "string" } }]);
  const text = { type: "string" };
  return {
    description: "the windows",
    content: { "application/json": { schema: StatsAnswer }, ...Object.fromEntries(types) },
    headers: {
      "X-Next-Cursor": { ...text, description: "of a table: there is more; ask again with this `cursor`" },
      "X-Complete": { ...text, description: "of a table: as `complete` of the answer in JSON" },
    },
  };
}

const eventsSchema = {
  tags,
  summary: "The stored events, whole",
  description: "Newest first; without times all of them.",
  querystring: EventsParameters,
  response: { 200: EventsAnswer, ...refusals },
};
const rejectsSchema = {
  tags: ["operation"],
  summary: "The events in quarantine",
  description:
    "Events that were acknowledged and that the store refused when they were to be counted: they are in no window and not in `/events`. What was set aside last comes first. `weir rejects replay` sends them again.",
  querystring: RejectsParameters,
  response: { 200: RejectsAnswer, ...refusals },
};
const dropSchema = {
  tags: ["operation"],
  summary: "Take events out of the quarantine",
  description: "They are gone for good: send them again first, if they shall count.",
  querystring: RejectsDropParameters,
  response: { 200: RejectsDropAnswer },
};
const statusSchema = {
  tags: ["operation"],
  summary: "How everything stands",
  querystring: NoParameters,
  response: { 200: StatusAnswer },
};
