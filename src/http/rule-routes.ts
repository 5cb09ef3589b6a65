import type { IncomingHttpHeaders } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { WeirError } from "../lib/errors.ts";
import { PutParameters, RuleOrDryRun } from "../protocol/dry-run.ts";
import { ErrorBody } from "../protocol/errors.ts";
import {
  DocumentAnswer,
  DocumentCondition,
  DocumentParameters,
  RuleChange,
  RuleDocumentBody,
  RulesOrDocument,
  RulesParameters,
  documentBytesMax,
} from "../protocol/rule-document.ts";
import {
  NoParameters,
  RuleAnswer,
  RuleBody,
  PutCondition,
  RuleCondition,
  RuleDeleted,
  RulePath,
  RuleVersionsAnswer,
} from "../protocol/rules.ts";
import { RebuildAnswer, VerificationAnswer } from "../protocol/verification.ts";
import type { TriedChange } from "../query/dry-run.ts";
import type { Query } from "../query/query.ts";
import type { RuleRecord } from "../rule/registry.ts";
import { originAllowed } from "./live-socket.ts";
import type { Routes } from "./server.ts";
import { goneSignal } from "../lib/unanswered.ts";

/** Which version of the rule must be there. */
export interface Seen {
  readonly ifMatch?: number;
  /** When it was made: a rule that was deleted and made again has the same numbers. */
  readonly ifMadeAt?: string;
}

/** The same, or that there must be none. */
export interface RuleIs extends Seen {
  readonly ifNew?: true;
}

/** What the routes need of the rulebook. Bodies go in as they came; it names every mistake itself. */
export interface RuleChanges {
  put(body: unknown, options: RuleIs): Promise<{ created: boolean; record: RuleRecord }>;
  tryPut(body: unknown, options: RuleIs): Promise<TriedChange>;
  patch(ruleId: string, body: unknown, options: Seen): Promise<RuleRecord>;
  remove(ruleId: string, options: Seen): Promise<void>;
  rebuild(ruleId: string): Promise<void>;
  get(ruleId: string): RuleRecord;
  document(): Promise<{ tag: string; rules: readonly object[] }>;
  putDocument(
    body: unknown,
    options: { ifMatch?: string; deleteOthers: boolean; dryRun: boolean },
  ): Promise<{ effect: Readonly<Record<keyof DocumentAnswer, readonly string[]>>; tag: string }>;
}

interface Put {
  Querystring: PutParameters;
}
interface AllRules {
  Querystring: RulesParameters;
}
interface Document {
  Querystring: DocumentParameters;
}
interface OneRule {
  Params: { rule_id: string };
}

/** Rules: create or change, list, read, patch, delete, versions; all of them as one document. */
export function ruleRoutes(
  rulebook: RuleChanges,
  query: Pick<Query, "rule" | "rules" | "versions" | "dryRun" | "verify">,
): Routes {
  const send = async (reply: FastifyReply, record: RuleRecord, isNew = false): Promise<FastifyReply> => {
    const rule = await query.rule(record, { isNew });
    return reply.header("etag", `"${rule.version}@${rule.changed_at}"`).send(rule);
  };
  const dryRun = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const change = await rulebook.tryPut(request.body, putCondition(request.headers));
    // Nobody waits any more: the engine need not either.
    return reply.send(await query.dryRun(change, goneSignal(reply.raw)));
  };
  return (server) => {
    server.post<Put>("/aggregation-rule", { schema: putSchema }, async (request, reply) => {
      if (request.query.dry_run) return dryRun(request, reply);
      const { created, record } = await rulebook.put(request.body, putCondition(request.headers));
      const location = `/aggregation-rule/${record.rule_id}`;
      return send(reply.code(created ? 201 : 200).header("location", location), record, created);
    });
    server.get<AllRules>("/aggregation-rules", { schema: listSchema }, async (request, reply) => {
      if (request.query.as === "document") return sendDocument(reply, await rulebook.document());
      const rules = await query.rules();
      return { count: rules.length, rules };
    });
    server.put<Document>(
      "/aggregation-rules",
      { schema: documentSchema, bodyLimit: documentBytesMax },
      async ({ body, query: { delete: deleteOthers = false, dry_run: dryRun = false }, headers }, reply) => {
        const { effect, tag } = await rulebook.putDocument(body, {
          ...ifDocument(headers["if-match"]),
          deleteOthers,
          dryRun,
        });
        const { created, changed, unchanged, deleted, kept } = effect;
        return reply.header("etag", `"${tag}"`).send({ created, changed, unchanged, deleted, kept });
      },
    );
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
    server.post<OneRule>("/aggregation-rule/:rule_id/rebuild", { schema: rebuildSchema }, async (request, reply) => {
      // It has no body, by whose type browsers would ask first.
      if (!originAllowed(request.raw, []))
        throw new WeirError("origin_refused", `a page of ${request.headers.origin} may not rebuild rules`);
      await rulebook.rebuild(request.params.rule_id);
      return reply.code(202).send({ rule_id: request.params.rule_id, status: "rebuilding" });
    });
    server.get<OneRule>("/aggregation-rule/:rule_id/verification", { schema: verifySchema }, (request, reply) =>
      query.verify(request.params.rule_id, goneSignal(reply.raw)),
    );
    server.get<OneRule>("/aggregation-rule/:rule_id/versions", { schema: versionsSchema }, (request) => ({
      rule_id: request.params.rule_id,
      versions: query.versions(request.params.rule_id),
    }));
  };
}

/** The text of a file to keep: a line for each field, so that two states differ in the lines of what was changed. */
function sendDocument(reply: FastifyReply, { tag, rules }: { tag: string; rules: readonly object[] }): FastifyReply {
  const text = `${JSON.stringify({ rules }, undefined, 2)}\n`;
  return reply.header("etag", `"${tag}"`).type("application/json; charset=utf-8").send(text);
}

/** The version that an `If-Match` names: an ETag, or its number alone, `"3"`, `W/"3"` or `3`; without the header there is no condition. */
export function ifMatch(header: string | undefined): Seen {
  if (header === undefined) return {};
  const [, version, madeAt] = /^(?:W\/)?"?(\d{1,9})(?:@([\d:.TZ-]{1,40}))?"?$/.exec(header.trim()) ?? [];
  if (version === undefined) throw invalidCondition('must be one ETag or one version of the rule, e.g. "3"', header);
  return { ifMatch: Number(version), ...(madeAt === undefined ? {} : { ifMadeAt: madeAt }) };
}

function putCondition(headers: IncomingHttpHeaders): RuleIs {
  const condition = ifMatch(headers["if-match"]);
  const unless = headers["if-none-match"];
  if (unless === undefined) return condition;
  if (unless.trim() === "*") return { ...condition, ifNew: true };
  throw invalidCondition("must be *, to make a rule only if there is none of its id", unless, "If-None-Match");
}

/** The document that an `If-Match` names, by its ETag; without the header there is no condition. */
function ifDocument(header: string | undefined): { ifMatch?: string } {
  if (header === undefined) return {};
  const tag = /^(?:W\/)?"?([0-9a-f]{32})"?$/.exec(header.trim())?.[1];
  if (tag !== undefined) return { ifMatch: tag };
  throw invalidCondition("must be one ETag that GET /aggregation-rules?as=document gave", header);
}

function invalidCondition(message: string, header: string, path = "If-Match"): WeirError {
  const value = header.slice(0, 256);
  return new WeirError("invalid_query", `${path} ${message}`, { details: [{ path, message, value }] });
}

const tags = ["rules"];
const putSchema = {
  tags,
  summary: "Create a rule, or change the one of this id",
  description: [
    "When it has answered, the rule is in force for every later event. With `dry_run=true` nothing is stored: the answer says",
    "what the rule would have made of the newest events (not those that came before them), and what it costs; at most two",
    "rules are tried at a time (429), for ten seconds (504); one that needs too much memory for that is refused (422).",
  ].join(" "),
  querystring: PutParameters,
  headers: PutCondition,
  body: RuleBody,
  response: { 200: RuleOrDryRun, 201: RuleAnswer, 412: ErrorBody, 422: ErrorBody, 504: ErrorBody },
};
const listSchema = {
  tags,
  summary: "All rules, and how they stand",
  description: "With `as=document` a text to keep in version control: `PUT` it back, and nothing changes.",
  querystring: RulesParameters,
  response: { 200: RulesOrDocument },
};
const documentSchema = {
  tags,
  summary: "Make the rules equal to a document",
  description: [
    "All of it is checked, and every mistake named by its path (`rules[3].window_size`), before anything is stored; it is",
    "stored as a whole or not at all. Rules that say the same already are left as they are. When it has answered, every",
    "rule is in force for every later event. The same document again changes nothing, and completes what a crash left.",
  ].join(" "),
  querystring: DocumentParameters,
  headers: DocumentCondition,
  body: RuleDocumentBody,
  response: { 200: DocumentAnswer, 412: ErrorBody, 422: ErrorBody },
};
const one = { tags, querystring: NoParameters, params: RulePath };
const getSchema = {
  ...one,
  summary: "A rule and how it stands",
  response: { 200: RuleAnswer, 404: ErrorBody },
};
const patchSchema = {
  ...one,
  summary: "Change some fields of a rule, or roll it back to an earlier version",
  headers: RuleCondition,
  body: RuleChange,
  response: { 200: RuleAnswer, 404: ErrorBody, 412: ErrorBody, 422: ErrorBody },
};
const deleteSchema = {
  ...one,
  summary: "Delete a rule and its windows",
  headers: RuleCondition,
  response: { 200: RuleDeleted, 404: ErrorBody, 412: ErrorBody },
};
const versionsSchema = {
  ...one,
  summary: "The versions of a rule that are kept",
  response: { 200: RuleVersionsAnswer, 404: ErrorBody },
};
const rebuildSchema = {
  ...one,
  summary: "Make the windows of a rule anew from the stored events",
  description: "They answer as they are until then; the rule shows `filling` and its progress.",
  response: { 202: RebuildAnswer, 404: ErrorBody },
};
const verifySchema = {
  ...one,
  summary: "Count the windows of a rule again from the stored events, and compare",
  description: "Takes as long as reading all events does, in one thread of the engine; one rule at a time (429).",
  response: { 200: VerificationAnswer, 404: ErrorBody, 409: ErrorBody, 422: ErrorBody, 504: ErrorBody },
};
