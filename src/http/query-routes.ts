import { ErrorBody } from "../protocol/errors.ts";
import { EventsAnswer, EventsParameters, StatsAnswer, StatsParametersDocument } from "../protocol/stats.ts";
import { NoParameters } from "../protocol/rules.ts";
import { StatusAnswer } from "../protocol/status.ts";
import { eventsText } from "../query/events.ts";
import type { Query } from "../query/query.ts";
import type { RawParameters } from "../query/parameters.ts";
import type { Routes } from "./server.ts";

const statsDescription = [
  "One row per window and group with `from ≤ window_start < to`; without times the last 24 hours.",
  "Each group key of the rule is a filter by equality: `event_type=purchase`, `user_id=u1`, `group.payload.country=DE`.",
].join(" ");

/** `GET /stats`, `GET /events`, `GET /status`. */
export function queryRoutes(query: Pick<Query, "stats" | "events" | "status">): Routes {
  return (server) => {
    server.get("/stats", { schema: statsSchema, validatorCompiler: leftToTheService }, (request) =>
      query.stats(request.query as RawParameters),
    );
    server.get("/events", { schema: eventsSchema, validatorCompiler: leftToTheService }, async (request, reply) => {
      const page = await query.events(request.query as RawParameters);
      return reply.type("application/json; charset=utf-8").send(eventsText(page));
    });
    server.get("/status", { schema: statusSchema }, () => query.status());
  };
}

const tags = ["analytics"];
const statsSchema = {
  tags,
  summary: "The windows of a rule",
  description: statsDescription,
  querystring: StatsParametersDocument,
  response: { 200: StatsAnswer, 400: ErrorBody, 404: ErrorBody, 503: ErrorBody },
};
const eventsSchema = {
  tags,
  summary: "The stored events, whole",
  description: "Newest first; without times all of them.",
  querystring: EventsParameters,
  response: { 200: EventsAnswer, 400: ErrorBody, 503: ErrorBody },
};
const statusSchema = {
  tags: ["operation"],
  summary: "How everything stands",
  querystring: NoParameters,
  response: { 200: StatusAnswer, 400: ErrorBody },
};

/** Filters depend on the rule and times on each other: the service checks all parameters, so that all mistakes are listed at once. */
const leftToTheService = () => (): true => true;
