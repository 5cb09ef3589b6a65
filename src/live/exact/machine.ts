import type { ResetReason } from "../../protocol/live-exact.ts";

/**
 * How a subscription stands.
 * waiting    it has nothing, or was told that what it has is void: a snapshot is owed
 * lost       what it has is void, and it is to be told so
 * following  it has everything up to a number
 */
export type Standing =
  | { readonly state: "waiting" }
  | { readonly state: "lost"; readonly reason: ResetReason }
  | {
      readonly state: "following";
      /** The number that the client was told last. */
      readonly seq: number;
      /** Up to here the feed was looked at: what is between the two did not concern it. */
      readonly seen: number;
      /** How many finals of the feed it was told, or need not be. */
      readonly finals: number;
    };

/** open: takes more; full: has not read what was sent; busy: is reading its snapshot, or others have all the room. */
export type Line = "open" | "full" | "busy";

/** What there is for a subscription, at a moment. */
export interface Sight {
  readonly line: Line;
  /** All windows that it asks for are known. */
  readonly ready: boolean;
  /** Its interval is over. */
  readonly due: boolean;
  /** It was told nothing for so long that it must be told that all is well. */
  readonly quiet: boolean;
  /** The feed's newest number. */
  readonly seq: number;
  /** How many finals there have been, and how many of the first are forgotten. */
  readonly finals: number;
  readonly finalsLost: number;
  /** Who has seen less than this number lacks changes that are forgotten. */
  readonly knownFrom: number;
}

export type Act = "wait" | "reset" | "snapshot" | "changes" | "heartbeat";

export interface Move {
  readonly act: Act;
  readonly next: Standing;
}

export const waiting: Standing = { state: "waiting" };

/** What a subscription is to get now, and how it stands then. After a reset it is asked again at once. */
export function move(standing: Standing, sight: Sight): Move {
  if (sight.line !== "open") return { act: "wait", next: missing(standing, sight) };
  switch (standing.state) {
    case "lost":
      return { act: "reset", next: waiting };
    case "waiting":
      return sight.ready ? { act: "snapshot", next: upToDate(sight) } : { act: "wait", next: standing };
    case "following":
      return follow(standing, sight);
  }
}

/** What a client has is void from now on; one that has nothing waits on. */
export function voided(standing: Standing, reason: ResetReason): Standing {
  return standing.state === "following" ? { state: "lost", reason } : standing;
}

/** Where a client stands that says what it has; `holds`: whether the feed knows all that has changed since. */
export function resumed(seq: number, finals: number, holds: boolean): Standing {
  return holds ? { state: "following", seq, seen: seq, finals } : { state: "lost", reason: "resume_too_old" };
}

export type Following = Extract<Standing, { state: "following" }>;

function follow(standing: Following, sight: Sight): Move {
  const isTooFarBehind = standing.seen < sight.knownFrom || standing.finals < sight.finalsLost;
  if (isTooFarBehind) return { act: "wait", next: voided(standing, "too_slow") };
  if (sight.due && isBehind(standing, sight)) return { act: "changes", next: upToDate(sight) };
  return { act: sight.quiet ? "heartbeat" : "wait", next: standing };
}

/** Nothing is queued for a client that does not read: what would have gone out by now it has missed. */
function missing(standing: Standing, sight: Sight): Standing {
  const misses = sight.line === "full" && sight.due && standing.state === "following" && isBehind(standing, sight);
  return misses ? voided(standing, "too_slow") : standing;
}

export const isBehind = ({ seen, finals }: Following, sight: Pick<Sight, "seq" | "finals">): boolean =>
  seen < sight.seq || finals < sight.finals;

const upToDate = ({ seq, finals }: Sight): Standing => ({ state: "following", seq, seen: seq, finals });
