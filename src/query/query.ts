import type { Readable } from "node:stream";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Progress } from "../progress/progress.ts";
import type { RuleAnswer, RuleVersionAnswer } from "../protocol/rules.ts";
import type { RejectsDropAnswer } from "../protocol/rejects.ts";
import type { StatsAnswer } from "../protocol/stats.ts";
import type { VerificationAnswer } from "../protocol/verification.ts";
import type { StatusAnswer } from "../protocol/status.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { SeriesCounts, Store } from "../store/store.ts";
import { RecentCounts } from "./counts.ts";
import { type AskedStore, inTurn } from "./in-turn.ts";
import type { DryRunAnswer } from "../protocol/dry-run.ts";
import { dryRun } from "./dry-run.ts";
import type { TriedChange } from "./dry-run.ts";
import { events } from "./events.ts";
import type { EventsPage } from "./events.ts";
import type { RawParameters } from "./parameters.ts";
import { newestVersion, ruleAnswer, versionAnswers } from "./rule-answer.ts";
import type { FillState, RuleCost } from "./rule-answer.ts";
import { dropRejects, rejects } from "./rejects.ts";
import type { RejectsPage } from "./rejects.ts";
import { Slots } from "./slots.ts";
import type { Answering } from "./stats-request.ts";
import { ruleIdOf, versionOf } from "./stats-request.ts";
import { statsTable } from "./stats-table.ts";
import type { StatsTable } from "./stats-table.ts";
import { stats } from "./stats.ts";
import { status } from "./status.ts";
import { RecentTotals } from "./totals.ts";
import { notComparable, notLive, verify } from "./verify.ts";
import type { VerifySources } from "./verify.ts";
import type { StatusSources } from "./status.ts";

/** The rules, as far as questions need them. `get` throws WeirError `unknown_rule`. */
export interface Rules {
  get(ruleId: string): RuleRecord;
  list(): readonly RuleRecord[];
  /** The version whose windows answer: the newest that is live or paused, else the newest. */
  answering(record: RuleRecord): Answering;
  /** A version whose windows can be read now, by its number. */
  readable(record: RuleRecord, version: number, now: number): Answering | undefined;
  readableVersions(record: RuleRecord, now: number): readonly RuleVersion[];
}

/** What of the store waits for no turn: of each, dropping apart, there is one question at a time. */
type OnceAskedStore = Pick<Store, "seriesCounts" | "totals" | "compare" | "dropRejects">;

export interface QueryParts extends Pick<StatusSources, "log" | "rates" | "parts"> {
  readonly store: AskedStore & OnceAskedStore;
  /** How many questions may read the store at a time: what else reads it has room beside them. */
  readonly readsAtOnce: number;
  readonly written: VerifySources["written"];
  readonly rules: Rules;
  readonly progress: Pick<Progress, "countedThrough" | "lagMs">;
  /** Whether this process knows the rules by which others count, who may have heard of a change before; missing: there are no others. */
  readonly knowsRules?: () => boolean;
  /** Beyond so many groups of a rule, further ones share one. */
  readonly groupsMax: number;
  readonly fill: (series: number) => FillState;
  /** What counting costs for a series; null when nothing was counted for it. */
  readonly cost: (series: number) => RuleCost | null;
  readonly clock: Clock;
}

const noCounts: SeriesCounts = { skipped: 0, late: 0, groups: 0, ungrouped: 0 };

/** Each takes a thread of the engine. */
const dryRunsMax = 2;

/** The engine holds each result as a whole until it has been sent. */
const tablesMax = 2;

/**
 * Answers questions about rules, windows, events and the state of things. Holds nothing but a moment's counts.
 *
 * Errors: WeirError `invalid_query` with every mistake, `unknown_rule`, `store_unavailable`, `overloaded` when too many ask.
 */
export class Query {
  /** The store in them is read in turns. */
  readonly #parts: Omit<QueryParts, "store"> & { readonly store: AskedStore };
  readonly #store: OnceAskedStore;
  readonly #totals: RecentTotals;
  readonly #counts: RecentCounts;
  readonly #tables = new Slots(tablesMax);
  readonly #dryRuns = new Slots(dryRunsMax);
  readonly #verifications = new Slots(1);

  constructor(parts: QueryParts) {
    const { store, clock, readsAtOnce } = parts;
    this.#parts = { ...parts, store: inTurn(store, readsAtOnce) };
    this.#store = store;
    this.#totals = new RecentTotals(store, clock);
    this.#counts = new RecentCounts(store, clock);
  }

  /** `GET /stats`, from the parameters as they came. An aborted signal ends the reading, here and below: nobody waits for it. */
  async stats(raw: RawParameters, signal?: AbortSignal): Promise<StatsAnswer> {
    for (;;) {
      const answering = this.#answering(raw);
      const answer = await stats(raw, answering, this.#parts, { now: () => this.#parts.clock.now(), signal });
      if (this.#stillAnswers(answering)) return answer;
    }
  }

  /**
   * `GET /stats` as a table in another format than JSON. It is being read until the signal is aborted: the caller aborts it
   * when the bytes have been sent or nobody wants them any more.
   * @throws WeirError `overloaded` too, when too many tables are being read.
   */
  async statsTable(raw: RawParameters, signal: AbortSignal): Promise<StatsTable> {
    let answering = this.#answering(raw);
    // One that has been aborted already never says so again.
    signal.throwIfAborted();
    signal.addEventListener("abort", this.#tables.take("tables are being read"), { once: true });
    for (;;) {
      const table = await statsTable(raw, answering, this.#parts, { now: () => this.#parts.clock.now(), signal });
      if (this.#stillAnswers(answering)) return this.#whole(table, answering);
      answering = this.#answering(raw);
    }
  }

  /** The table, which is refused when its windows went before they were read: its head is of these and can't be changed. */
  #whole(table: StatsTable, answering: Answering): StatsTable {
    const read = async (): Promise<Readable> => {
      const bytes = await table.read();
      // What the engine has begun to answer it reads to the end, whatever is dropped.
      if (this.#stillAnswers(answering)) return bytes;
      bytes.destroy();
      throw new WeirError("store_unavailable", "the windows were replaced while they were read", { canRetry: true });
    };
    return { ...table, read };
  }

  /**
   * What a change of a rule would do, on the newest events.
   * @throws WeirError `overloaded` too, when too many are being tried.
   */
  async dryRun(change: TriedChange, signal: AbortSignal): Promise<DryRunAnswer> {
    const release = this.#dryRuns.take("rules are being tried out");
    try {
      return await dryRun(change, this.#parts, signal);
    } finally {
      release();
    }
  }

  /**
   * Whether what answers for a rule is what raw rows give.
   * @throws WeirError `overloaded` too, when another is being compared.
   */
  async verify(ruleId: string, signal: AbortSignal): Promise<VerificationAnswer> {
    const answering = this.#parts.rules.answering(this.#parts.rules.get(ruleId));
    const release = this.#verifications.take("rule is being compared");
    try {
      const answer = await verify(answering, { ...this.#parts, store: this.#store }, signal);
      // Nothing is counted for it any more since it was paused or switched, and so it differs.
      return answer.result === "equal" || this.#isLive(ruleId, answering) ? answer : notComparable(answering, notLive);
    } finally {
      release();
    }
  }

  /** `GET /events`, from the parameters as they came. */
  events(raw: RawParameters, signal?: AbortSignal): Promise<EventsPage> {
    return events(raw, this.#parts.store, signal);
  }

  /** `GET /rejects`, from the parameters as they came. */
  rejects(raw: RawParameters, signal?: AbortSignal): Promise<RejectsPage> {
    return rejects(raw, this.#parts.store, signal);
  }

  /** `DELETE /rejects`: these events are in quarantine no longer. */
  dropRejects(raw: RawParameters): Promise<RejectsDropAnswer> {
    return dropRejects(raw, this.#store);
  }

  /** How many events are in quarantine. Rejects when the store does not say so within a second. */
  async rejectCount(): Promise<number> {
    const totals = await this.#totals.get();
    if (totals === null) throw new WeirError("store_unavailable", "the store does not say how many events it has");
    return totals.rejects;
  }

  /** `GET /status`. Answers also when the store is away. */
  status(): Promise<StatusAnswer> {
    const { rules, ...sources } = this.#parts;
    return status({ ...sources, rules: () => rules.list(), totals: this.#totals, counts: this.#counts });
  }

  /** A rule with its fields and how it stands. Of one that is new nothing is counted yet: the store need not be asked. */
  async rule(record: RuleRecord, { isNew = false } = {}): Promise<RuleAnswer> {
    const { series } = newestVersion(record);
    return ruleAnswer(record, {
      answering: this.#parts.rules.answering(record).version,
      fill: this.#parts.fill(series),
      counts: isNew ? noCounts : await this.#counts.of(series),
      cost: this.#parts.cost(series),
      lagMs: this.#parts.progress.lagMs(),
    });
  }

  /** All rules, by id. */
  rules(): Promise<RuleAnswer[]> {
    const records = this.#parts.rules.list().toSorted((a, b) => (a.rule_id < b.rule_id ? -1 : 1));
    return Promise.all(records.map((record) => this.rule(record)));
  }

  /** The versions of a rule that are kept, newest first. */
  versions(ruleId: string): RuleVersionAnswer[] {
    const { rules, clock } = this.#parts;
    const record = rules.get(ruleId);
    return versionAnswers(record, new Set(rules.readableVersions(record, clock.now())));
  }

  /**
   * Whether the windows that were read were there all the while. What was replaced meanwhile may have lost them, be it by a
   * version of the same number: one that was made anew, or the first of a rule that was deleted and made again.
   */
  #stillAnswers({ rule: { spec }, version: { series } }: Answering): boolean {
    const { rules, clock } = this.#parts;
    const record = rules.get(spec.rule_id);
    const readable = [rules.answering(record).version, ...rules.readableVersions(record, clock.now())];
    return readable.some((version) => version.series === series);
  }

  #isLive(ruleId: string, { version: { series } }: Answering): boolean {
    const { version } = this.#parts.rules.answering(this.#parts.rules.get(ruleId));
    return version.series === series && version.phase === "live";
  }

  /** The version that is asked for, else the one that answers for the rule. */
  #answering(raw: RawParameters): Answering {
    const { rules, clock } = this.#parts;
    const record = rules.get(ruleIdOf(raw));
    const wanted = versionOf(raw);
    if (wanted === undefined) return rules.answering(record);
    const now = clock.now();
    return rules.readable(record, wanted, now) ?? notReadable(record, wanted, rules.readableVersions(record, now));
  }
}

function notReadable({ rule_id: id }: RuleRecord, wanted: number, kept: readonly RuleVersion[]): never {
  const versions = kept.map(({ version }) => version);
  const readable = versions.length === 0 ? "none" : versions.join(", ");
  throw new WeirError(
    "unknown_version",
    `the windows of version ${wanted} of rule ${JSON.stringify(id)} are not kept; those that can be read: ${readable}`,
    { details: { versions } },
  );
}
