import { type Random, seeded } from "../support/random.ts";
import { type EngineOdds, calm } from "./engine.ts";

/** What a world is like: drawn from its seed before it begins, so that worlds differ in kind and not only in detail. */
export interface Plan {
  /** When it begins, ms since the epoch. */
  readonly begin: number;
  /** Until when clients send and things go wrong, ms. */
  readonly activeMs: number;
  readonly senders: number;
  readonly eventsPerSender: number;
  readonly watchers: number;
  /** Of the exact protocol; none in the worlds that have a name. */
  readonly exactWatchers: number;
  readonly edits: number;
  /** Somebody makes a rule that every rollup fails of; never in the worlds that have a name. */
  readonly hasHeavyRule: boolean;
  /** So many events are rolled up at once at times, and no more for want of memory; without end in the worlds that have a name. */
  readonly memoryEvents: number;
  /** What the log keeps of its newest records in memory: all, or next to nothing. */
  readonly tailBytesMax: number;
  /** Of a request or its answer being lost on the line. */
  readonly lineLoses: number;
  readonly engine: EngineOdds;
  /** Of dying at one of the places where something becomes durable or visible. */
  readonly dies: number;
  /** Of the machine going down with the process. */
  readonly machineDies: number;
  /** How often the process is killed at any moment, and how often it is stopped in order. */
  readonly kills: number;
  readonly stops: number;
  readonly syncFails: number;
  readonly diskFull: number;
  readonly slowSync: number;
  readonly registryFails: number;
  readonly outages: number;
  readonly clockSteps: number;
  /** Of an event having a time that is odd, or out of bounds. */
  readonly oddTimes: number;
  /** From the beginning until everything has come to rest, ms. */
  readonly settledWithinMs: number;
  /** The same from when nothing goes wrong any more. */
  readonly restWithinMs: number;
  /** How often it is looked for fills, and for what is to be pushed. */
  readonly fillPollMs: number;
  readonly tickMs: number;
  /** A stretch of a long day, in which the clock is set in more ways. */
  readonly isDay: boolean;
}

/** Longer than any world needs to come to rest. */
const settledWithinMs = 900_000;

export function planOf(seed: number): Plan {
  const random = seeded(seed);
  const often = (most: number): number => (random.chance(0.6) ? random.next() * most : 0);
  const times = (most: number): number => (random.chance(0.6) ? random.int(most + 1) : 0);
  return {
    begin: Date.UTC(2026, 0, 17, 19, 30),
    activeMs: 5_000 + random.int(15_000),
    senders: 1 + random.int(3),
    eventsPerSender: 10 + random.int(50),
    watchers: random.int(4),
    exactWatchers: seed < 10_000 ? 0 : seed % 3,
    edits: random.chance(0.8) ? random.int(10) : 0,
    // No draw: the worlds of all seeds would be others.
    hasHeavyRule: seed >= 10_000 && seed % 5 === 4,
    memoryEvents: seed >= 10_000 && seed % 5 === 3 ? 1 + (seed % 7) : Infinity,
    tailBytesMax: seed % 4 === 2 ? 50_000 : 500,
    lineLoses: often(0.2),
    engine: engineOdds(random, often),
    dies: often(0.01),
    machineDies: random.next(),
    kills: times(3),
    stops: times(2),
    syncFails: often(0.02),
    diskFull: often(0.05),
    slowSync: often(0.2),
    registryFails: often(0.03),
    outages: times(6),
    clockSteps: times(2),
    oddTimes: 0,
    settledWithinMs,
    restWithinMs: settledWithinMs,
    fillPollMs: 250,
    tickMs: 100,
    isDay: false,
  };
}

function engineOdds(random: Random, often: (most: number) => number): EngineOdds {
  if (random.chance(0.2)) return calm;
  const [refused, answerLost, cut, hangs] = [often(0.1), often(0.15), often(0.15), often(0.1)];
  return { refused, answerLost, cut, hangs, slow: often(0.05), readFails: often(0.05) };
}

/** How one process works: anew for each, as if somebody turned the knobs between. */
export function limitsOf(random: Random, fillPollMs: number) {
  const fillChunkEventsMax = 3 + random.int(40);
  return {
    batchEventsMax: 1 + random.int(30),
    batchBytesMax: 2 ** 20,
    flushDelayMs: random.int(100),
    flushDelayMaxMs: random.int(1000),
    commitDelayMs: 50 + random.int(1000),
    dedupeIdsMax: 2000,
    dedupeIdsLoadedMax: 1 + random.int(100),
    fillChunkEventsMax,
    groupsMax: 1e6,
    fillShare: 0.2 + random.next() * 0.8,
    fillPollMs,
    caretakeEveryMs: 500 + random.int(10_000),
  };
}
