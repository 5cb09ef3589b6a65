import type { RollupTask, Store, Unlisted } from "../store/store.ts";
import { BelievedTime } from "../lib/believed-time.ts";
import type { Clock } from "../lib/clock.ts";
import { startOfSpan } from "../rule/calendar.ts";
import { expiryEveryMs, oldestKept } from "../rule/retention.ts";
import type { CheckedRule } from "../rule/rule.ts";
import type { Target } from "./ports.ts";

export interface GroupRoomsDeps {
  readonly store: Pick<Store, "listGroups" | "settle">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** The bound of rules that say none. */
  readonly groupsMax: number;
  /** Called once for each series that has as many groups as it may. */
  readonly full: (ruleId: string, bound: number) => void;
  /** How much of the room there is may be taken up here, 0 … 1; the rest is for the processes that count other partitions. All, when missing. */
  readonly share?: () => number;
}

/** A range, as far as it decides which groups there may be. */
export interface GroupedRange {
  /** No rule has more groups in it: at most one for each event, or the store is told to refuse it (`RollupTask.groupsMax`). */
  readonly groups: number;
  /** Event-time seconds, ascending; null: any. */
  readonly seconds: readonly number[] | null;
  /** It has turned out to need more room than is free at the moment: what others hold of it is waited for. */
  readonly waits?: boolean;
}

/** What a rollup may do with groups. `done` is called when it has ended: written, not written, or with an outcome that is not known. */
export interface Admission extends Required<Pick<RollupTask, "rooms" | "keptFrom" | "roomMayGrow">> {
  /** The series whose groups have to be looked up. */
  readonly bounded: ReadonlySet<number>;
  done(outcome: "written" | "refused" | "unknown"): void;
}

/** How many groups a series has, and may have got since they were counted. */
interface Standing {
  readonly ruleId: string;
  readonly bound: number;
  /** As it was last asked for: a shorter retention keeps the series. */
  rule: CheckedRule;
  /** Different groups when they were last counted; null: never yet. */
  listed: number | null;
  /** When that was, ms of the monotonic clock. */
  listedAt: number;
  /** How many more there may be by now, from tasks that have ended and from those that are under way. */
  added: number;
  held: number;
  /** How many wait for what is held: until they have it nobody else is given any. */
  waiting: number;
  /** Rows whose groups are not listed, ms since the epoch. */
  unlisted: { readonly from: number; readonly to: number } | null;
  /** Another process may have written rows anywhere, and have left their groups unlisted; or have deleted some. */
  hasOthers: boolean;
  told: boolean;
}

/**
 * Keeps rules from having more groups than they may. As long as there is room for all the groups that the ranges since the
 * last look may have had, and for many more, a range is rolled up as if there were no bound. When the room is used up by
 * this reckoning, groups are listed and counted anew, in the panes that were touched; and where there is not much room, the
 * statement looks up each group (`PlanMember.bounded`) and takes in no more than it is given room for.
 *
 * Groups of windows that retention has ended take no room, neither in a statement nor when they are listed: a fill, which goes
 * over all of history, would else leave none for those that are answered.
 *
 * Rooms are reserved: however many ranges are rolled up at a time, together they never take more than there is. Whoever comes
 * when others hold it is given what is left, which mostly is enough: a range hardly has new groups. Where it is not, nothing is
 * written (`RollupTask.roomMayGrow`), and the range is admitted again and waits: nobody holds any room while he waits.
 * What is known is lost with the process and read again from the store.
 */
export class GroupRooms {
  readonly #deps: GroupRoomsDeps;
  readonly #standings = new Map<number, Standing>();
  readonly #time: BelievedTime;
  /** Tasks whose outcome is not known. */
  #doubtful: (() => void)[] = [];
  #looking: Promise<void> | undefined;
  /** Resolves when the next task has ended. */
  #next = Promise.withResolvers<void>();

  constructor(deps: GroupRoomsDeps) {
    this.#deps = deps;
    this.#time = new BelievedTime(deps.clock);
  }

  /** How many rules, of those that are being counted, have as many groups as they may. */
  get fullCount(): number {
    return this.#standings.values().reduce((sum, standing) => sum + Number(isFull(standing)), 0);
  }

  /** Decides how a range is rolled up for these rules. Rejects with what the store throws. */
  async admit(targets: readonly Target[], range: GroupedRange): Promise<Admission> {
    const grouped = targets.filter(({ rule }) => rule.groupBy.length > 0);
    for (const target of grouped) this.#noteAge(this.#standingOf(target), range.groups);
    if (range.waits) return this.#admitInTurn(grouped, range);
    await this.#lookAt(grouped, range.groups);
    return this.#reserve(grouped, range);
  }

  /** The series has gone. */
  forget(series: number): void {
    this.#standings.delete(series);
  }

  /** The series that anything is known of. */
  series(): readonly number[] {
    return [...this.#standings.keys()];
  }

  /** Rows of these series have gone, and groups with them. */
  rowsGone(series: readonly number[]): void {
    for (const one of series) {
      const standing = this.#standings.get(one);
      if (standing) standing.listed = null;
    }
  }

  /**
   * What another process has written, and may have left without listing its groups, is this one's to list now: the next time that
   * a rule is looked at, and before it comes close to its bound. Far from it, it does not matter.
   */
  takenUp(): void {
    for (const standing of this.#standings.values()) standing.hasOthers = true;
  }

  async #lookAt(grouped: readonly Target[], groups: number): Promise<void> {
    for (;;) {
      const wish = { groups, share: this.#share, inDoubt: this.#doubtful.length > 0 };
      const looked = grouped.filter((target) => wantsLook(this.#standingOf(target), wish));
      if (!looked.some((target) => needsLook(this.#standingOf(target), wish))) return;
      // One at a time: of two that overlap each would take back what has been added since the last.
      this.#looking ??= this.#look(looked.map(({ series }) => series)).finally(() => (this.#looking = undefined));
      await this.#looking;
    }
  }

  /** Whether there would be more for it, were nothing held by others. */
  #isShort(target: Target, groups: number): boolean {
    const standing = this.#standingOf(target);
    const free = Math.max(0, freeOf(standing, this.#share));
    return free < groups && standing.held > 0;
  }

  async #admitInTurn(grouped: readonly Target[], range: GroupedRange): Promise<Admission> {
    const standings = grouped.map((target) => this.#standingOf(target));
    for (const standing of standings) standing.waiting += 1;
    try {
      for (;;) {
        await this.#lookAt(grouped, range.groups);
        if (!grouped.some((target) => this.#isShort(target, range.groups))) return this.#reserve(grouped, range);
        await this.#next.promise;
      }
    } finally {
      for (const standing of standings) standing.waiting -= 1;
    }
  }

  get #share(): number {
    return this.#deps.share?.() ?? 1;
  }

  /**
   * Where there is no room, one that has a retention may have got some: of several processes one deletes what has expired, and does
   * not tell the others.
   */
  #noteAge(standing: Standing, groups: number): void {
    if (standing.rule.retentionSeconds === undefined || groups <= freeOf(standing, this.#share)) return;
    const age = this.#deps.clock.monotonic() - standing.listedAt;
    if (age >= Math.max(expiryEveryMs(standing.rule), deletedEveryMs)) standing.hasOthers = true;
  }

  #standingOf({ series, rule, rule_id }: Target): Standing {
    const known = this.#standings.get(series);
    if (known !== undefined) {
      known.rule = rule;
      return known;
    }
    const bound = rule.maxGroups ?? this.#deps.groupsMax;
    const made = {
      ruleId: rule_id,
      bound,
      rule,
      listed: null,
      listedAt: -Infinity,
      added: 0,
      held: 0,
      waiting: 0,
      unlisted: null,
      hasOthers: false,
      told: false,
    };
    this.#standings.set(series, made);
    return made;
  }

  async #look(series: readonly number[]): Promise<void> {
    await this.#settleDoubtful();
    const [now, at] = [this.#time.now(), this.#deps.clock.monotonic()];
    // What was forgotten meanwhile is begun with anew by who asks.
    const looks = series.flatMap((one) => {
      const standing = this.#standings.get(one);
      return standing === undefined ? [] : [takeLook(one, standing, now)];
    });
    for (let first = 0; first < looks.length; first += looksAtOnce)
      try {
        await this.#lookAtSome(looks.slice(first, first + looksAtOnce), at);
      } catch (error) {
        for (const { asked, standing } of looks.slice(first)) standing.unlisted = around(standing.unlisted, asked);
        throw error;
      }
  }

  /** The store may have to read all that it has of them: what is known of some need not be asked again when others fail. */
  async #lookAtSome(looks: readonly Look[], at: number): Promise<void> {
    const listed = await this.#deps.store.listGroups(looks.map(({ asked }) => asked));
    for (const { asked, standing, added } of looks) {
      standing.listed = listed.get(asked.series) ?? 0;
      standing.listedAt = at;
      standing.added -= added;
      this.#tell(standing);
    }
  }

  async #settleDoubtful(): Promise<void> {
    if (this.#doubtful.length === 0) return;
    const settled = [...this.#doubtful];
    await this.#deps.store.settle();
    for (const end of settled) end();
    this.#doubtful = this.#doubtful.filter((end) => !settled.includes(end));
  }

  #reserve(grouped: readonly Target[], range: GroupedRange): Admission {
    const [rooms, keptFrom, now] = [new Map<number, number>(), new Map<number, number>(), this.#time.now()];
    const roomMayGrow = new Set<number>();
    const ends = grouped.map((target) => {
      const standing = this.#standingOf(target);
      const free = freeOf(standing, this.#share);
      const bounded = isClose(standing, range.groups, this.#share);
      const most = Math.min(range.groups, free + standing.held);
      const given = Math.max(0, Math.min(range.groups, bounded ? shareOf(standing, target, range, free) : free));
      if (bounded) {
        if (given < most) roomMayGrow.add(target.series);
        rooms.set(target.series, given);
        keptFrom.set(target.series, oldestKept(target.rule, now));
      }
      return hold(standing, given, bounded ? undefined : range.seconds);
    });
    const end = (added: boolean): void => ends.forEach((one) => one(added));
    const done: Admission["done"] = (outcome) => {
      if (outcome === "unknown") this.#doubtful.push(() => end(true));
      else end(outcome === "written");
      // Also of one with an unknown outcome: who waits then settles it.
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    };
    return { bounded: new Set(rooms.keys()), rooms, keptFrom, roomMayGrow, done };
  }

  #tell(standing: Standing): void {
    if (standing.told || !isFull(standing)) return;
    standing.told = true;
    this.#deps.full(standing.ruleId, standing.bound);
  }
}

const isFull = ({ listed, bound }: Standing): boolean => listed !== null && listed >= bound;

/** How many more there may be here than were listed. Of several processes the last places are anybody's. */
const roomOf = ({ bound, listed }: Standing, share: number): number => Math.ceil((bound - (listed ?? 0)) * share);

const freeOf = (standing: Standing, share: number): number => roomOf(standing, share) - standing.added - standing.held;

/** How much of what is free one may have. While a rule is filling, two take of its room at a time: neither is to have all of it. */
function shareOf(standing: Standing, { filling }: Target, { waits }: GroupedRange, free: number): number {
  if (waits) return free;
  if (standing.waiting > 0) return 0;
  return filling ? Math.ceil(free / 2) : free;
}

/** There is no room for many ranges like this: then looking up its groups costs less than listing them ever again. */
const isClose = (standing: Standing, groups: number, share: number): boolean =>
  groups > freeOf(standing, share) || groups * rangesAhead > roomOf(standing, share);

const rangesAhead = 8;

/** A statement has a fixed price besides. */
const looksAtOnce = 100;

/** No process deletes more often what has expired. */
const deletedEveryMs = 60_000;

interface Wish {
  readonly groups: number;
  readonly share: number;
  readonly inDoubt: boolean;
}

/** Whether it can't be decided without a look: groups are to be looked up and are not listed, or there may be no room. */
function needsLook(standing: Standing, { groups, share, inDoubt }: Wish): boolean {
  if (standing.listed === null) return true;
  if (groups > freeOf(standing, share) && (inDoubt || standing.added > 0)) return true;
  return (standing.unlisted !== null || standing.hasOthers) && isClose(standing, groups, share);
}

/** A look costs little more for those that would need one soon. */
function wantsLook(standing: Standing, wish: Wish): boolean {
  const { listed, added } = standing;
  return needsLook(standing, wish) || (listed !== null && added > roomOf(standing, wish.share) / 2);
}

interface Look {
  readonly asked: Unlisted;
  readonly standing: Standing;
  readonly added: number;
}

/** What ends from now on is not in the answer, or may not be. Groups of windows that are kept no more need not be known. */
function takeLook(series: number, standing: Standing, now: number): Look {
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const isNew = standing.listed === null || standing.hasOthers;
  const { from, to } = isNew ? all : (standing.unlisted ?? { from: 0, to: 0 });
  [standing.unlisted, standing.hasOthers] = [null, false];
  const kept = Math.max(from, oldestKept(standing.rule, now));
  return { asked: { series, from: kept, to }, standing, added: standing.added };
}

/** Holds room until the task has ended. `seconds` of events whose groups the task does not list; undefined: it does. */
function hold(
  standing: Standing,
  given: number,
  seconds: readonly number[] | null | undefined,
): (added: boolean) => void {
  standing.held += given;
  return (added) => {
    standing.held -= given;
    if (!added) return;
    standing.added += given;
    if (seconds !== undefined) standing.unlisted = around(standing.unlisted, panesOf(standing.rule, seconds));
  };
}

type Stretch = NonNullable<Standing["unlisted"]>;

function panesOf({ window }: CheckedRule, seconds: readonly number[] | null): Stretch {
  const [first, last] = [seconds?.at(0), seconds?.at(-1)];
  if (first === undefined || last === undefined) return { from: 0, to: Number.MAX_SAFE_INTEGER };
  // In the first hours of 1970 a pane of the calendar begins behind its events.
  const newest = Math.max(last * 1000, startOfSpan(window.pane, last * 1000));
  return { from: startOfSpan(window.pane, first * 1000), to: newest + 1 };
}

const around = (a: Stretch | null, { from, to }: Stretch): Stretch =>
  a === null ? { from, to } : { from: Math.min(a.from, from), to: Math.max(a.to, to) };
