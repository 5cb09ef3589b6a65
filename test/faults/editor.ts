import type { Random } from "../support/random.ts";
import type { FaultRule } from "./recompute.ts";

/** What the server may hold of a rule: several where the answer to a change was lost; null: no such rule. */
type Possible = readonly (FaultRule | null)[];

interface VersionAnswer extends FaultRule {
  readonly version: number;
  readonly state: string;
}

/**
 * Somebody who edits rules of his own without rest: makes, changes, reads otherwise, pauses, resumes, rolls back and
 * deletes them, at random, and knows afterwards what the server may hold. Lost answers are part of the game.
 */
export class Editor {
  readonly #random: Random;
  readonly #templates: readonly FaultRule[];
  readonly #possible = new Map<string, Possible>();
  #stopped = true;
  #running = Promise.resolve();
  /** Answered changes, by kind. */
  readonly done: Record<string, number> = {};
  /** How many changes could not be noted, or may have been. */
  refused = 0;

  constructor(random: Random, ruleIds: readonly string[], templates: readonly FaultRule[]) {
    this.#random = random;
    this.#templates = templates;
    for (const id of ruleIds) this.#possible.set(id, [null]);
  }

  start(queryUrl: string): void {
    this.#stopped = false;
    this.#running = this.#editOn(queryUrl);
  }

  /** Resolves when the last change has been answered, or its answer is known to be lost. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** What is wrong with the rules that the server has; empty when each is one of those it may be. */
  check(rules: ReadonlyMap<string, FaultRule>): string[] {
    return [...this.#possible].flatMap(([id, possible]) => {
      const found = rules.get(id);
      const is = textOf(found ?? null);
      if (possible.some((one) => textOf(one) === is)) return [];
      return [`rule ${id} is ${is}, but may only be ${possible.map(textOf).join(" or ")}`];
    });
  }

  async #editOn(queryUrl: string): Promise<void> {
    while (!this.#stopped) {
      const ids = [...this.#possible.keys()];
      await this.#edit(queryUrl, this.#random.pick(ids));
      await new Promise((resolve) => setTimeout(resolve, this.#random.int(150)));
    }
  }

  async #edit(queryUrl: string, id: string): Promise<void> {
    const random = this.#random;
    const kind = random.pick([...["put", "put", "put", "read", "read", "read", "pause", "resume"], ...others]);
    const url = `${queryUrl}/aggregation-rule`;
    if (kind === "put") return this.#put(url, id);
    if (kind === "read") return this.#readOtherwise(url, id);
    if (kind === "roll back") return this.#rollBack(url, id);
    if (kind === "delete") return this.#change(id, kind, null, `${url}/${id}`, { method: "DELETE" });
    return this.#change(id, kind, undefined, `${url}/${id}`, body("PATCH", { active: kind === "resume" }));
  }

  #put(url: string, id: string): Promise<void> {
    const window_size = this.#random.pick(["1m", "7m", "1h", "1d"]);
    return this.#post(url, "put", { ...this.#random.pick(this.#templates), rule_id: id, window_size });
  }

  /** The rule that is there, as far as that is known, with another choice of what is answered and kept of it. */
  async #readOtherwise(url: string, id: string): Promise<void> {
    const [known, ...doubts] = this.#possible.get(id) ?? [];
    if (!known || doubts.length > 0) return;
    const { rule_id, window_size, metric, field, group_by } = known;
    const stored = { rule_id, window_size, metric, group_by, ...(field === undefined ? {} : { field }) };
    const random = this.#random;
    const chosen = random.pick([{}, { having: "value > 2" }, { having: "value <= 40" }, { having: "value != 7" }]);
    const largest = group_by.length > 0 && random.chance(0.3) ? { top_n: 1 + random.int(3) } : {};
    const kept = random.pick([{}, {}, { retention: "3000d" }, { retention: "3650d" }]);
    await this.#post(url, "read", { ...stored, ...chosen, ...largest, ...kept });
  }

  #post(url: string, kind: string, rule: FaultRule): Promise<void> {
    const active = this.#random.chance(0.9);
    return this.#change(rule.rule_id, kind, rule, url, body("POST", { ...rule, active }));
  }

  async #rollBack(url: string, id: string): Promise<void> {
    const answer = await ask(`${url}/${id}/versions`, {});
    if (answer?.status !== 200) return;
    const { versions } = JSON.parse(answer.text) as { versions: VersionAnswer[] };
    const target = this.#random.pick(versions);
    await this.#change(id, "roll back", target, `${url}/${id}`, body("PATCH", { version: target.version }));
  }

  /** `next`: what the rule is afterwards; undefined: what it is. */
  async #change(
    id: string,
    kind: string,
    next: FaultRule | null | undefined,
    url: string,
    init: RequestInit,
  ): Promise<void> {
    const answer = await ask(url, init);
    // 503: the log or the place of the rules did not answer in time, and the change may have been noted before.
    const isUnknown = answer === undefined || answer.status === 503 || answer.status === 408;
    if (answer?.status === 503) this.refused += 1;
    if (isUnknown && next !== undefined) this.#possible.set(id, [...(this.#possible.get(id) ?? []), next]);
    if (isUnknown || (answer.status === 404 && kind !== "put")) return;
    if (answer.status >= 300) throw new Error(`${kind} ${id}: ${answer.status} ${answer.text}`);
    this.done[kind] = (this.done[kind] ?? 0) + 1;
    if (next !== undefined) this.#possible.set(id, [next]);
  }
}

/** How many changes of theirs have been answered. */
export const changesOf = (editors: readonly Editor[]): number =>
  editors.flatMap(({ done }) => Object.values(done)).reduce((sum, count) => sum + count, 0);

const others = ["resume", "roll back", "roll back", "delete"];

const body = (method: string, value: object): RequestInit => ({
  method,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

/** Undefined when the answer was lost. */
async function ask(url: string, init: RequestInit): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

function textOf(rule: FaultRule | null): string {
  if (rule === null) return "nothing";
  const { window_size, metric, field, group_by, having, top_n, retention } = rule;
  return JSON.stringify([window_size, metric, field ?? null, group_by, having, top_n, retention]);
}
