import { WeirError } from "./errors.ts";
import type { Http } from "./http.ts";
import type {
  DocumentAnswer,
  DryRunAnswer,
  RebuildAnswer,
  Rule,
  RuleAnswer,
  RuleDeleted,
  RuleDocument,
  RulePatch,
  RuleVersionsAnswer,
  RulesAnswer,
  VerificationAnswer,
} from "./wire.ts";

/**
 * Makes a change conditional: it is refused by `version_conflict` when the rule has another version. By the number alone, a rule that
 * was deleted and made again may be taken for the one that was seen; by the answer that was seen it is not.
 */
export interface IfMatch {
  readonly ifMatch?: number | Pick<RuleAnswer, "version" | "changed_at">;
  readonly signal?: AbortSignal;
}

/** The fields to change, where `null` takes one away; or the earlier version to take up again. */
export type RuleChange =
  | { readonly [Field in keyof RulePatch]: RulePatch[Field] | null }
  | { readonly version: number };

interface Signal {
  readonly signal?: AbortSignal;
}

/** The rules of a server. Every method throws `WeirError` as the server refuses it. */
export class Rules {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** All rules and how they stand, by `rule_id`. */
  async list({ signal }: Signal = {}): Promise<readonly RuleAnswer[]> {
    return (await this.#http.json<RulesAnswer>({ path: "/aggregation-rules", signal })).rules;
  }

  async get(ruleId: string, { signal }: Signal = {}): Promise<RuleAnswer> {
    return this.#http.json({ path: pathOf(ruleId), signal });
  }

  /** Makes the rule, or changes the one of this id. `ifNew`: only if there is none (`version_conflict` else). */
  put(rule: Rule, { ifMatch, ifNew, signal }: IfMatch & { readonly ifNew?: boolean } = {}): Promise<RuleAnswer> {
    const headers = { ...condition(ifMatch), ...(ifNew === true ? { "if-none-match": "*" } : {}) };
    return this.#http.json({ method: "POST", path: "/aggregation-rule", body: rule, headers, signal });
  }

  async patch(ruleId: string, change: RuleChange, { ifMatch, signal }: IfMatch = {}): Promise<RuleAnswer> {
    const headers = condition(ifMatch);
    return this.#http.json({ method: "PATCH", path: pathOf(ruleId), body: change, headers, signal });
  }

  /** Deletes the rule with its windows. */
  async delete(ruleId: string, { ifMatch, signal }: IfMatch = {}): Promise<RuleDeleted> {
    return this.#http.json({ method: "DELETE", path: pathOf(ruleId), headers: condition(ifMatch), signal });
  }

  /** The versions that are kept, newest first. */
  async versions(ruleId: string, { signal }: Signal = {}): Promise<RuleVersionsAnswer["versions"]> {
    return (await this.#http.json<RuleVersionsAnswer>({ path: `${pathOf(ruleId)}/versions`, signal })).versions;
  }

  /** What the rule would make of the newest events, and what it costs; nothing is stored. Takes up to half a minute. */
  dryRun(rule: Rule, { ifMatch, signal }: IfMatch = {}): Promise<DryRunAnswer> {
    const headers = condition(ifMatch);
    const query = { dry_run: true };
    const path = "/aggregation-rule";
    return this.#http.json({ method: "POST", path, query, body: rule, headers, timeoutMs: dryRunMs, signal });
  }

  /** All rules as one text to keep, and the tag by which a change of them is made conditional. */
  async document({ signal }: Signal = {}): Promise<RuleDocument & { readonly tag: string }> {
    const query = { as: "document" };
    const { json, headers } = await this.#http.answer({ path: "/aggregation-rules", query, signal });
    // Who compresses in between makes a weak one of it.
    return { ...(json as RuleDocument), tag: (headers.get("etag") ?? "").replace(/^W\//, "").replaceAll('"', "") };
  }

  /**
   * Makes the rules as the document says, all or none of them. `deleteOthers`: those that it does not have are deleted;
   * `dryRun`: only tells what would change.
   */
  apply(
    { rules }: RuleDocument,
    options: Signal & { readonly deleteOthers?: boolean; readonly dryRun?: boolean; readonly ifMatch?: string } = {},
  ): Promise<DocumentAnswer> {
    const { deleteOthers, dryRun, ifMatch, signal } = options;
    const query = { delete: deleteOthers, dry_run: dryRun };
    const headers = ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` };
    return this.#http.json({ method: "PUT", path: "/aggregation-rules", query, body: { rules }, headers, signal });
  }

  /** Makes the windows anew from the stored events; the rule shows `filling` meanwhile. */
  async rebuild(ruleId: string, { signal }: Signal = {}): Promise<RebuildAnswer> {
    return this.#http.json({ method: "POST", path: `${pathOf(ruleId)}/rebuild`, signal });
  }

  /** Counts the windows again from the stored events, and compares. Takes as long as reading all events does. */
  async verify(ruleId: string, { signal }: Signal = {}): Promise<VerificationAnswer> {
    return this.#http.json({ path: `${pathOf(ruleId)}/verification`, timeoutMs: verifyMs, signal });
  }
}

const verifyMs = 3_600_000;
/** The server itself ends a trial after 30 s at the most, and says what to change. */
const dryRunMs = 35_000;

function pathOf(ruleId: string): string {
  // The empty id would be another route.
  if (ruleId === "") throw new WeirError("unknown_rule", 'there is no rule ""');
  return `/aggregation-rule/${encodeURIComponent(ruleId)}`;
}

function condition(seen: IfMatch["ifMatch"]): Record<string, string> {
  if (seen === undefined) return {};
  return { "if-match": typeof seen === "number" ? `"${seen}"` : `"${seen.version}@${seen.changed_at}"` };
}
