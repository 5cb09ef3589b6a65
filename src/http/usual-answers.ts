import type { FastifyInstance, RouteOptions } from "fastify";
import type { ErrorCode } from "../lib/errors.ts";
import { ErrorBody } from "../protocol/errors.ts";
import { statusOf } from "./errors.ts";

/** What the server itself answers on the routes of each kind, before they are asked or in their place. */
const ofAll: readonly ErrorCode[] = ["host_refused", "internal", "stopping"];
const ofParameters: readonly ErrorCode[] = ["invalid_query"];
/** While others do not read their answers. */
const ofReading: readonly ErrorCode[] = ["overloaded"];
/** A body is read wherever one comes, also of routes that want none. */
const ofBodies: readonly ErrorCode[] = [
  "invalid_json",
  "body_too_large",
  "unsupported_media_type",
  "request_timeout",
  "overloaded",
];

/** Adds them to what the document says of each route, so that a route names its own answers alone. */
export function documentUsualAnswers(server: FastifyInstance): void {
  server.addHook("onRoute", (route) => {
    const own = route.schema?.response as Readonly<Record<number, unknown>> | undefined;
    if (own === undefined) return;
    const usual = Object.fromEntries(usualCodes(route).map((code) => [statusOf[code], ErrorBody]));
    route.schema = { ...route.schema, response: { ...usual, ...own } };
  });
}

function usualCodes({ method, schema }: RouteOptions): ErrorCode[] {
  const hasParameters = schema?.querystring !== undefined || schema?.headers !== undefined;
  const onlyReads = [method].flat().every((one) => one === "GET" || one === "HEAD");
  return [...ofAll, ...(hasParameters ? ofParameters : []), ...(onlyReads ? ofReading : ofBodies)];
}
