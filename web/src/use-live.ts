import { useEffect, useState } from "react";
import { useLive as useLiveOf } from "../../client/src/react.ts";
import type { LiveOptions, LiveState } from "../../client/src/weir.ts";
import { weir } from "./server.ts";
import { useStatus } from "./status-feed.ts";

/** A rule's windows as they change, over the one socket of this page. */
const useLive = (ruleId: string, options: LiveOptions = {}): LiveState => useLiveOf(weir, ruleId, options);

/** A server that answers everything else, and over a socket nothing for so long, stands behind something that lets none through. */
const socketMs = 3000;

/** Calls `blocked` when nothing gets through to us that is in this state. */
function useWait({ status }: LiveState, blocked: () => void): void {
  const { isLost } = useStatus();
  const isWaiting = status === "connecting" && !isLost;
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setTimeout(blocked, socketMs);
    return () => clearTimeout(timer);
  }, [isWaiting]);
}

/** As `useLive`, and whether nothing gets through. */
export function useLiveIfAny(ruleId: string, options: LiveOptions): LiveState & { readonly isBlocked: boolean } {
  const [isBlocked, setBlocked] = useState(false);
  const state = useLive(ruleId, options);
  useWait(state, () => setBlocked(true));
  return { ...state, isBlocked: isBlocked && state.status === "connecting" };
}

/** As `useLive`, also where sockets don't get through: then as a stream of events, which takes a connection of its own. */
export function useLiveAnyhow(ruleId: string): LiveState & { readonly isStream: boolean } {
  const [isStream, setStream] = useState(false);
  const state = useLive(ruleId, { over: isStream ? "events" : "socket" });
  useWait(state, () => setStream(true));
  return { ...state, isStream };
}
