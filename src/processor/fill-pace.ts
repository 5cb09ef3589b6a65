/** How live processing stands beside a fill. */
export interface LiveLoad {
  /** It is counting something, or was within the last second. */
  readonly busy: boolean;
  /** How long the events that it counted last had waited for it. */
  readonly lagMs: number;
}

export interface FillPace {
  /** Events in one piece of a fill. */
  readonly eventsMax: number;
  /** Rules in one piece. */
  readonly rulesMax: number;
  /** Over so many positions an event is expected: so far the end of a piece is looked for. */
  readonly positionsPerEvent: number;
}

/** Not less after failures. So many groups, each with 300 KB of states (`top_k`), the smallest engine has room for. */
export const eventsLeast = 500;
/** Not less to be quick: with many rules a statement takes its time however few the events. */
const eventsUseful = 50_000;
const rulesMost = 256;

/** How long a piece is to take: what comes meanwhile has half of the engine, and behind it a pause. */
const pieceMs = { busy: 500, idle: 4000 };
const lagsMs = 2000;
/** While live processing lags. */
const shareLeast = 0.05;

export const firstPace = (eventsMost: number, positionsPerEvent: number): FillPace => ({
  eventsMax: Math.min(eventsUseful, eventsMost),
  rulesMax: rulesMost,
  positionsPerEvent,
});

/** Looked for a little beyond what is expected: who finds fewer events than a piece may have has not seen where it could end. */
const slack = 1.25;
/** From one look to the next. What is beyond a stretch without events may be dense, and all of it is read to find the end. */
const widerMost = 8;

/** The pace when a look has found so many events in so many positions. */
export function paceSeen(pace: FillPace, positions: number, events: number): FillPace {
  const seen = (slack * positions) / Math.max(events, 1);
  return { ...pace, positionsPerEvent: Math.min(seen, pace.positionsPerEvent * widerMost) };
}

/**
 * How long to leave the engine alone after a piece that took `tookMs`: nothing while no event comes, else so long that
 * filling has no more than its share (0 … 1) of the time, and very little of it while live processing lags.
 */
export function pauseAfter(tookMs: number, share: number, live: LiveLoad): number {
  if (!live.busy) return 0;
  const due = live.lagMs > lagsMs ? Math.min(share, shareLeast) : share;
  return Math.round(tookMs * (1 / due - 1));
}

/** The next piece when one went well: as many events as the wanted time takes, by what this one took, step by step. */
export function paceAfter(
  pace: FillPace,
  events: number,
  tookMs: number,
  live: LiveLoad,
  eventsMost: number,
): FillPace {
  const wantedMs = live.busy ? pieceMs.busy : pieceMs.idle;
  const wanted = (events * wantedMs) / Math.max(tookMs, 1);
  // A short piece, at the end of a hole, says little, but when it has taken too long all the same.
  const isSilent = events < pace.eventsMax && tookMs <= wantedMs;
  const grown = isSilent ? Math.max(wanted, pace.eventsMax) : wanted;
  const eventsMax = Math.min(Math.max(grown, pace.eventsMax / 2, eventsUseful), pace.eventsMax * 2);
  return { ...pace, eventsMax: within(eventsMax, eventsMost), rulesMax: Math.min(pace.rulesMax * 2, rulesMost) };
}

/** The next piece when one of so many rules failed: fewer rules, so that one that can't be filled is found, then fewer events. */
export function paceAfterFailure(pace: FillPace, rules: number, eventsMost: number): FillPace {
  if (rules > 1) return { ...pace, rulesMax: Math.ceil(rules / 2) };
  return { ...pace, rulesMax: 1, eventsMax: within(pace.eventsMax / 4, eventsMost) };
}

const within = (events: number, eventsMost: number): number =>
  Math.round(Math.min(Math.max(events, Math.min(eventsLeast, eventsMost)), eventsMost));
