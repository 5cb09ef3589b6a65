import { useEffect, useState } from "react";
import { useLive as useLiveOf } from "../../client/src/react.ts";
import type { LiveOptions, LiveState } from "../../client/src/weir.ts";
import { weir } from "./server.ts";
import { useStatus } from "./status-feed.ts";

/** A rule's windows as they change, over the one socket of this page. */
export const useLive = (ruleId: string, options: LiveOptions = {}): LiveState => useLiveOf(weir, ruleId, options);

/** A server that answers everything else, and over a socket nothing for so long, stands behind something that lets none through. */
const socketMs = 3000;

/** The same, also where sockets don't get through: then as a stream of events, which takes a connection of its own. */
export function useLiveAnyhow(ruleId: string): LiveState & { readonly isStream: boolean } {
  const [isStream, setStream] = useState(false);
  const state = useLive(ruleId, { over: isStream ? "events" : "socket" });
  const { isLost } = useStatus();
  const isWaiting = state.status === "connecting" && !isLost && !isStream;
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setTimeout(() => setStream(true), socketMs);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  return { ...state, isStream };
}
