import { WeirError } from "../../src/lib/errors.ts";
import type { Server } from "./server.ts";
import { type SentRule, anyRule, anyRuleOfDay } from "./rules.ts";
import type { World } from "./world.ts";

const ruleIds = ["r0", "r1", "r2", "r3"];

/** Somebody who makes, changes, pauses and deletes rules, and remembers what was answered. */
export class Editor {
  readonly #world: World;
  /** What each rule says, as far as it is known for sure; null: it was deleted. Missing: an answer was lost. */
  readonly known = new Map<string, SentRule | null>();

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const { plan, random, scheduler } = this.#world;
    for (const id of ruleIds.slice(0, 1 + random.int(4))) await this.#put(this.#anyRule(id));
    for (let left = plan.edits; left > 0; left--) {
      await scheduler.sleep(random.int((2 * plan.activeMs) / plan.edits));
      await this.#edit(random.pick(ruleIds));
    }
  }

  /** Of a rule that is active afterwards: there is something to fill. */
  change(): Promise<void> {
    return this.#put(this.#anyRule(this.#world.random.pick(ruleIds)));
  }

  /** Takes up what is paused, so that all is complete in the end. */
  async resumeAll(): Promise<void> {
    for (const id of ruleIds) await this.#ask(id, ({ book }) => resumed(book, id));
  }

  #edit(id: string): Promise<unknown> {
    const { random } = this.#world;
    const kind = random.int(10);
    if (kind < 4) return this.#put(this.#anyRule(id));
    if (kind < 5) return this.#delete(id);
    if (kind < 8) return this.#patch(id, { active: random.chance(0.5) });
    return this.#rollBack(id, random.next());
  }

  #anyRule(id: string): SentRule {
    const { random, plan } = this.#world;
    return plan.isDay ? anyRuleOfDay(random, id) : anyRule(random, id);
  }

  async #put(rule: SentRule): Promise<void> {
    await this.#ask(rule.rule_id, ({ book }) => book.put(rule, {}).then(() => rule));
  }

  async #delete(id: string): Promise<void> {
    await this.#ask(id, ({ book }) => book.remove(id, {}).then(() => null));
  }

  async #patch(id: string, patch: object): Promise<void> {
    await this.#ask(id, ({ book }) => book.patch(id, patch, {}).then(({ versions }) => sentOf(versions.at(-1)!.spec)));
  }

  async #rollBack(id: string, pick: number): Promise<void> {
    const versions = this.#world.server?.book.find(id)?.versions ?? [];
    const target = versions[Math.floor(pick * versions.length)];
    if (target !== undefined) await this.#patch(id, { version: target.version });
  }

  /** What is not answered may have been done or not. */
  async #ask(id: string, change: (server: Server) => Promise<SentRule | null | undefined>): Promise<void> {
    const { scheduler, trace } = this.#world;
    const server = await this.#reachable();
    const before = this.known.get(id);
    this.known.delete(id);
    const ended = Promise.withResolvers<undefined>();
    const tell = (): void => ended.resolve(undefined);
    this.#world.onEnd.add(tell);
    scheduler.after(20_000, tell);
    const answer = await Promise.race([
      change(server).catch((error: unknown) => this.#refused(error, before)),
      ended.promise,
    ]);
    this.#world.onEnd.delete(tell);
    if (answer !== undefined) this.known.set(id, answer);
    trace.note(`edited ${id}: ${JSON.stringify(answer)}`);
  }

  async #reachable(): Promise<Server> {
    for (;;) {
      const { server } = this.#world;
      if (server !== undefined) return server;
      await this.#world.scheduler.sleep(50);
    }
  }

  /** A rule that is not there can't be changed, and stays as it is. */
  #refused(error: unknown, before: SentRule | null | undefined): SentRule | null | undefined {
    if (!(error instanceof WeirError)) this.#world.findings.push(`the rulebook threw ${String(error)}`);
    return error instanceof WeirError && error.code === "unknown_rule" ? (before ?? null) : undefined;
  }
}

function sentOf(spec: object): SentRule {
  return spec as SentRule;
}

async function resumed(book: Server["book"], id: string): Promise<SentRule | null> {
  if (book.find(id) === undefined) return null;
  const { versions } = await book.patch(id, { active: true }, {});
  return sentOf(versions.at(-1)!.spec);
}
