import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { useLive } from "../../client/src/react.ts";
import type { LiveOptions, LiveState, Weir } from "../../client/src/weir.ts";
import { newestOf } from "./newest.ts";

/** Where rules are followed, and whether nobody answers there just now. */
export interface Where {
  readonly weir: Pick<Weir, "subscribe">;
  readonly isLost: boolean;
}

/** A server that answers everything else, and to which no line opens for so long, stands behind something that lets none through. */
const openingMs = 3000;

/** As many of those that have begun as a server gives at first: an hour later a page shows no more than one that is opened then. */
const shownWindows = 60;
/** A subscription keeps its windows for as long as it lasts: when so many have come, another one begins with the newest. */
const comeMax = 1000;

/** A rule's newest windows as they change, and whether no line gets through to the server. */
export function useFollowed(
  { weir, isLost }: Where,
  ruleId: string,
  options: LiveOptions,
): LiveState & { readonly isBlocked: boolean } {
  const [turn, again] = useReducer((turn: number) => turn + 1, 0);
  // Another one for each turn, so that the rule is subscribed to anew.
  const source = useMemo(() => ({ subscribe: weir.subscribe.bind(weir) }), [weir, turn]);
  const state = useLive(source, ruleId, options);
  const returns = useReturns(isLost);
  // The pause before the next attempt has become long while the server was away.
  useEffect(() => {
    if (returns > 0 && state.status === "connecting") again();
  }, [returns]);
  useNewTurns(state, isLost, again);
  const isBlocked = useBlocked(state, isLost);
  const newest = useMemo(() => newestOf(state.rows, shownWindows, Date.now()), [state.rows]);
  useFewWindows(source, state.status === "live" ? newest.windows : undefined, again);
  return { ...useKept({ ...state, rows: newest.rows }), isBlocked };
}

/**
 * As `useFollowed` over a socket, and where none gets through as a stream of events, which takes a connection of its own. When the server has
 * been away, sockets are tried anew.
 */
export function useFollowedAnyhow(where: Where, ruleId: string): LiveState & { readonly isStream: boolean } {
  const returns = useReturns(where.isLost);
  const [blockedSince, setBlockedSince] = useState<number>();
  const isStream = blockedSince === returns;
  const { isBlocked, ...state } = useFollowed(where, ruleId, { over: isStream ? "events" : "socket" });
  useEffect(() => {
    if (isBlocked) setBlockedSince(returns);
  }, [isBlocked, returns]);
  return { ...state, isStream };
}

/** How often somebody has answered again. */
function useReturns(isLost: boolean): number {
  const [seen, see] = useState({ isLost, returns: 0 });
  if (seen.isLost !== isLost) see({ isLost, returns: seen.returns + (isLost ? 0 : 1) });
  return seen.returns;
}

/** Why a rule could not be followed may be over: another process knows it by now, or its windows are smaller. */
const againMs = 5000;
/** A server reads all of the windows before it finds them too large. */
const tooLargeAgainMs = 15_000;

/** As long as there is somebody who looks at a rule that is not followed any more, it is asked for again. */
function useNewTurns({ status, error }: LiveState, isLost: boolean, again: () => void): void {
  const isOver = status === "ended" && !isLost;
  const everyMs = error?.code === "too_large" ? tooLargeAgainMs : againMs;
  useEffect(() => {
    if (!isOver) return undefined;
    const timer = setInterval(() => (document.hidden ? undefined : again()), everyMs);
    return () => clearInterval(timer);
  }, [isOver, everyMs]);
}

/** Ends a subscription that has grown too much. However many one has begun with, it is not ended for these. */
function useFewWindows(source: object, windows: number | undefined, again: () => void): void {
  const begun = useRef<{ source: object; windows: number }>(undefined);
  useEffect(() => {
    if (windows === undefined) return;
    if (begun.current?.source !== source) begun.current = { source, windows };
    if (windows - begun.current.windows > comeMax) again();
  }, [source, windows]);
}

function useBlocked({ status, opened }: LiveState, isLost: boolean): boolean {
  // Over a line that is open a slow server may take its time.
  const isOpening = status === "connecting" && opened !== true && !isLost;
  const [isBlocked, setBlocked] = useState(false);
  useEffect(() => {
    if (!isOpening) return undefined;
    const timer = setTimeout(() => setBlocked(true), openingMs);
    return () => {
      clearTimeout(timer);
      setBlocked(false);
    };
  }, [isOpening]);
  return isBlocked && isOpening;
}

/** What a subscription of before has brought stays until something comes by the one that took its place. */
function useKept(state: LiveState): LiveState {
  const newest = useRef(state);
  if (state.status !== "connecting" || newest.current.rule !== state.rule) newest.current = state;
  const kept = newest.current;
  if (state.status !== "connecting" || kept.status === "connecting") return state;
  return kept.status === "live" ? { ...kept, status: "stale" } : kept;
}
