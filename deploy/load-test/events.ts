/** An event of the load, in the form of the wire. */
export interface LoadEvent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly payload: {
    /** Of which run it is: the rules of a run count its own events alone. */
    readonly run: string;
    /** By which way it was sent. */
    readonly way: Way;
    /** With two places, so that sums are exact in hundredths. */
    readonly price: number;
    readonly country: string;
  };
}

export type Way = "http" | "kafka";

/** What makes the events of a run. */
export interface Run {
  readonly id: string;
  /** The newest event is of this moment, the oldest one of `spanMs` before. */
  readonly endMs: number;
}

export const spanMs = 600_000;
const types = ["click", "page_view", "purchase", "search", "sign_up"];
const countries = ["BR", "DE", "FR", "GB", "IN", "JP", "US"];

/** The nth event of a way: the same for the same run, so that nothing has to be kept to know what was sent. */
export function loadEvent(run: Run, way: Way, index: number): LoadEvent {
  const dice = scatter(index * 2 + (way === "http" ? 0 : 1));
  return {
    event_id: `${run.id}-${way}-${index}`,
    user_id: `user_${scatter(dice) % 5000}`,
    event_type: types[dice % types.length]!,
    timestamp: run.endMs - (scatter(dice + 1) % spanMs),
    payload: {
      run: run.id,
      way,
      price: (scatter(dice + 2) % 50_000) / 100,
      country: countries[scatter(dice + 3) % countries.length]!,
    },
  };
}

/** Any number to one of 0 … 2^32 that looks like chance (the mixing step of splitmix). */
function scatter(number: number): number {
  let mixed = (number + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
