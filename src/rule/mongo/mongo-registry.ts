import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { WeirError } from "../../lib/errors.ts";
import { passFailpoint } from "../../lib/failpoint.ts";
import type { MadeChange, Registry, RegistryChange, RuleRecord } from "../registry.ts";
import type { ChangeLog } from "./change-log.ts";
import { KnownRules } from "./known-rules.ts";
import { OneByOne } from "./one-by-one.ts";
import type { MongoServer } from "../../mongo/server.ts";
import { lineFailure, mongoReason } from "../../mongo/trouble.ts";
import { type Staged, type StoredRecord, type StoredRecords, inForce, toStage } from "./stored-records.ts";
import { type Report, Watch } from "./watch.ts";

export interface MongoRegistryDeps {
  readonly log: ChangeLog;
  readonly stored: StoredRecords;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Where the rules are, for messages; without secrets. */
  readonly place: string;
  readonly server: Pick<MongoServer, "renew" | "close">;
  /** Told when it does not answer any more, with the reason, and when it does again. */
  readonly report: Report;
}

/** What one question to the server may take, the writing of records, which may be all, and the reading of everything. */
const callMs = 3000;
const stageMs = 30_000;
const loadMs = 60_000;

/** A change of which it is not known whether it was made. */
interface Doubt {
  readonly revision: number;
  readonly change: string;
}

/** A change that was made, or is lost (undefined), or has lost its number to another one, which may have nothing to do with it. */
type Attempt = { readonly made: MadeChange | undefined } | { readonly again: Staged };

/**
 * Rules in MongoDB, without transactions: a change is made by the insertion of one entry under the next number, of which the
 * server lets one win (docs/decisions/0026-rules-in-mongodb.md). Several processes may have it open.
 */
export class MongoRegistry implements Registry {
  readonly #deps: MongoRegistryDeps;
  readonly #known: KnownRules;
  readonly #calls = new OneByOne(lineFailure);
  readonly #watch: Watch;
  #nextSeries = 0;
  #doubt: Doubt | undefined;
  /** Keys of what was staged for changes that were given up: for the next turn that gets through. */
  readonly #givenUp: string[] = [];

  constructor(deps: MongoRegistryDeps) {
    this.#deps = deps;
    this.#known = new KnownRules(deps.log, deps.stored, deps.clock);
    const isChanged = (): Promise<boolean> =>
      this.#ask("the rules can't be followed", async () => {
        const next = await within(deps.clock, callMs, () => deps.log.at(this.#watch.seen + 1));
        return next !== undefined;
      });
    this.#watch = new Watch({
      ...{ log: deps.log, clock: deps.clock, isChanged },
      revision: () => this.#known.revision,
      renew: () => deps.server.renew(),
      report: deps.report,
    });
  }

  /**
   * Takes the next number with a change of nothing, and reads everything: what a process that has died may have left on its way to
   * the server comes too late then.
   * @throws what the driver says.
   */
  async load(): Promise<void> {
    const { log, stored, clock, newId } = this.#deps;
    await within(clock, loadMs, async () => {
      let fence = (await log.count()) + 1;
      while (!(await log.fence(fence, newId()))) fence += 1;
      const needless = await this.#known.load(fence);
      this.#nextSeries = await log.nextSeries();
      await stored.remove(needless);
    });
  }

  async all(): Promise<readonly RuleRecord[]> {
    return this.#turn("the rules can't be read", async () => {
      await this.#follow();
      return this.#known.all();
    });
  }

  async get(ruleId: string): Promise<RuleRecord | undefined> {
    return this.#turn("the rules can't be read", async () => {
      await this.#follow();
      return this.#known.get(ruleId);
    });
  }

  async change(change: RegistryChange): Promise<MadeChange | undefined> {
    // Each attempt is a turn of its own, so that others go on, however often it takes to win a number.
    const attempt = (before?: Staged): Promise<Attempt> =>
      this.#turn("the rules can't be changed", () => this.#attempt(change, before));
    let last = await attempt();
    while ("again" in last) {
      const { again } = last;
      last = await attempt(again).catch((error: unknown) => this.#giveUp(again, error));
    }
    if (last.made !== undefined) this.#watch.look();
    return last.made;
  }

  async revision(): Promise<number> {
    return this.#turn("the rules can't be read", async () => {
      await this.#follow();
      return this.#known.revision;
    });
  }

  async takeSeries(count: number): Promise<number> {
    return this.#turn("no series can be taken", async () => {
      for (;;) {
        const first = this.#nextSeries;
        const call = (): Promise<{ taken: boolean; next: number }> => this.#deps.log.takeSeries(first, count);
        const { taken, next } = await within(this.#deps.clock, callMs, call);
        this.#nextSeries = next;
        if (taken) return first;
      }
    });
  }

  watch(changed: () => void): () => void {
    return this.#watch.add(changed);
  }

  trouble(): string | undefined {
    return this.#watch.trouble === undefined ? undefined : "does not answer; rules can't be changed";
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#deps.server.close();
  }

  /** What was staged `before` is used again: to whom a change has lost its number, it is mostly nothing to that one. */
  async #attempt(change: RegistryChange, before: Staged | undefined): Promise<Attempt> {
    await this.#follow();
    const fits = this.#known.fits(change);
    const usable = before !== undefined && fits && this.#known.admits(before) ? before : undefined;
    if (usable === undefined) this.#tidyUp(keysOf(before?.records ?? []));
    if (!fits) return { made: undefined };
    const staged = usable ?? (await this.#stage(change));
    const revision = this.#known.revision + 1;
    if (!(await this.#make(revision, staged))) return { again: staged };
    passFailpoint("rules-changed");
    this.#tidyUp(this.#known.take(inForce(staged.records, revision), revision));
    return { made: { revision, records: change.save.map((record) => ({ ...record, revision })) } };
  }

  /** What may be made yet is left to a start, which knows. */
  #giveUp({ records }: Staged, error: unknown): never {
    const mayBeMade = error instanceof WeirError && error.outcomeUnknown;
    if (!mayBeMade) this.#givenUp.push(...keysOf(records));
    throw error;
  }

  async #stage(change: RegistryChange): Promise<Staged> {
    const { stored, clock, newId } = this.#deps;
    const staged = toStage(change, this.#known.revision + 1, newId());
    await within(clock, stageMs, () => stored.stage(staged.records));
    passFailpoint("rules-staged");
    return staged;
  }

  /**
   * Whether the change was made. When the answer was lost, that is settled by the same insertion once more: it can't be made twice,
   * and who has the number says whether it was this one. Only without an answer to that, too, the outcome stays unknown.
   */
  async #make(revision: number, { change, staged, records }: Staged): Promise<boolean> {
    const { log, clock } = this.#deps;
    const entry = { change, staged, records: records.length };
    const append = (): Promise<boolean> => within(clock, callMs, () => log.append(revision, entry));
    try {
      return await append();
    } catch {
      this.#doubt = { revision, change };
      return this.#settled(append);
    }
  }

  async #settled(append: () => Promise<boolean>): Promise<boolean> {
    const doubt = this.#doubt!;
    try {
      const made = (await append()) || (await this.#isOurs(doubt));
      this.#doubt = undefined;
      return made;
    } catch (error) {
      throw this.#away("it is not known whether the rules were changed", error, true);
    }
  }

  async #isOurs({ revision, change }: Doubt): Promise<boolean> {
    const { log, clock } = this.#deps;
    return (await within(clock, callMs, () => log.at(revision)))?.change === change;
  }

  /** Reads what others have changed. What was in doubt comes first: it was made, or its number is taken, so that it never is. */
  async #follow(): Promise<void> {
    const { log, clock, newId } = this.#deps;
    const doubt = this.#doubt;
    if (doubt !== undefined) {
      await within(clock, callMs, () => log.fence(doubt.revision, newId()));
      this.#doubt = undefined;
    }
    await this.#known.follow();
    this.#tidyUp(this.#givenUp.splice(0));
  }

  /** What is left is found at the next start. */
  #tidyUp(keys: readonly string[]): void {
    if (keys.length > 0) this.#deps.stored.remove(keys).catch(() => {});
  }

  /** One call after the other: they go by what this process knows. Not while the server is known to be away. */
  async #turn<T>(what: string, run: () => Promise<T>): Promise<T> {
    const away = this.#watch.trouble;
    if (away !== undefined) throw this.#away(what, away);
    return this.#ask(what, () => this.#calls.run(run));
  }

  async #ask<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw error instanceof WeirError ? error : this.#away(what, error);
    }
  }

  #away(what: string, cause: unknown, outcomeUnknown = false): WeirError {
    const reason = mongoReason(cause instanceof WeirError ? cause.cause : cause);
    const message = `${what} in ${this.#deps.place}: ${reason}`;
    return new WeirError("registry_unavailable", message, { canRetry: true, outcomeUnknown, cause });
  }
}

const keysOf = (records: readonly StoredRecord[]): string[] => records.map(({ _id }) => _id);
