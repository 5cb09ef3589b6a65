import type { FastifyReply } from "fastify";
import { WeirError } from "../lib/errors.ts";
import { ErrorBody } from "../protocol/errors.ts";
import {
  NoParameters,
  RuleAnswer,
  RuleBody,
  RuleCondition,
  RuleDeleted,
  RulePatch,
  RulePath,
  RuleVersionsAnswer,
  RulesAnswer,
} from "../protocol/rules.ts";
import type { Query } from "../query/query.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { Routes } from "./server.ts";

/** What the routes need of the rulebook. Bodies go in as they came; it names every mistake itself. */
export interface RuleChanges {
  put(body: unknown, options: { ifMatch?: number }): Promise<{ created: boolean; record: RuleRecord }>;
  patch(ruleId: string, body: unknown, options: { ifMatch?: number }): Promise<RuleRecord>;
  remove(ruleId: string, options: { ifMatch?: number }): Promise<void>;
  get(ruleId: string): RuleRecord;
}

interface OneRule {
  Params: { rule_id: string };
}

/** Rules: create or change, list, read, patch, delete, versions. */
export function ruleRoutes(rulebook: RuleChanges, query: Pick<Query, "rule" | "rules" | "versions">): Routes {
  const send = async (reply: FastifyReply, record: RuleRecord): Promise<FastifyReply> => {
    const rule = await query.rule(record);
    return reply.header("etag", `"${rule.version}"`).send(rule);
  };
  return (server) => {
    server.post("/aggregation-rule", { schema: putSchema }, async (request, reply) => {
      const { created, record } = await rulebook.put(request.body, ifMatch(request.headers["if-match"]));
      return send(reply.code(created ? 201 : 200).header("location", `/aggregation-rule/${record.rule_id}`), record);
    });
    server.get("/aggregation-rules", { schema: listSchema }, async () => {
      const rules = await query.rules();
      return { count: rules.length, rules };
    });
    server.get<OneRule>("/aggregation-rule/:rule_id", { schema: getSchema }, (request, reply) =>
      send(reply, rulebook.get(request.params.rule_id)),
    );
    server.patch<OneRule>("/aggregation-rule/:rule_id", { schema: patchSchema }, async (request, reply) =>
      send(reply, await rulebook.patch(request.params.rule_id, request.body, ifMatch(request.headers["if-match"]))),
    );
    server.delete<OneRule>("/aggregation-rule/:rule_id", { schema: deleteSchema }, async (request) => {
      await rulebook.remove(request.params.rule_id, ifMatch(request.headers["if-match"]));
      return { rule_id: request.params.rule_id, status: "deleted" };
    });
    server.get<OneRule>("/aggregation-rule/:rule_id/versions", { schema: versionsSchema }, (request) => ({
      rule_id: request.params.rule_id,
      versions: query.versions(request.params.rule_id),
    }));
  };
}

/** The version that an `If-Match` names: `"3"`, `W/"3"` or `3`; without the header there is no condition. */
export function ifMatch(header: string | undefined): { ifMatch?: number } {
  if (header === undefined) return {};
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(header.trim())?.[1];
  if (version !== undefined) return { ifMatch: Number(version) };
  const message = 'must be one version of the rule, e.g. "3"';
  throw new WeirError("invalid_query", `If-Match ${message}`, {
    details: [{ path: "If-Match", message, value: header.slice(0, 256) }],
  });
}

const tags = ["rules"];
const errors = { 400: ErrorBody, 503: ErrorBody };
const putSchema = {
  tags,
  summary: "Create a rule, or change the one of this id",
  description: "When it has answered, the rule is in force for every later event.",
  querystring: NoParameters,
  headers: RuleCondition,
  body: RuleBody,
  response: { 200: RuleAnswer, 201: RuleAnswer, ...errors, 412: ErrorBody, 415: ErrorBody, 422: ErrorBody },
};
const listSchema = { tags, summary: "All rules", querystring: NoParameters, response: { 200: RulesAnswer, ...errors } };
const one = { tags, querystring: NoParameters, params: RulePath };
const getSchema = {
  ...one,
  summary: "A rule and how it stands",
  response: { 200: RuleAnswer, ...errors, 404: ErrorBody },
};
const patchSchema = {
  ...one,
  summary: "Change some fields of a rule",
  headers: RuleCondition,
  body: RulePatch,
  response: { 200: RuleAnswer, ...errors, 404: ErrorBody, 412: ErrorBody, 422: ErrorBody },
};
const deleteSchema = {
  ...one,
  summary: "Delete a rule and its windows",
  headers: RuleCondition,
  response: { 200: RuleDeleted, ...errors, 404: ErrorBody, 412: ErrorBody },
};
const versionsSchema = {
  ...one,
  summary: "The versions of a rule that are kept",
  response: { 200: RuleVersionsAnswer, ...errors, 404: ErrorBody },
};
