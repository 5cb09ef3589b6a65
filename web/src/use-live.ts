import type { LiveOptions, LiveState } from "../../client/src/weir.ts";
import { useFollowed, useFollowedAnyhow } from "./follow.ts";
import { weir } from "./server.ts";
import { useStatus } from "./status-feed.ts";

/** A rule's windows as they change, over the one socket of this page, and whether none gets through. */
export function useLiveIfAny(ruleId: string, options: LiveOptions): LiveState & { readonly isBlocked: boolean } {
  const { isLost } = useStatus();
  return useFollowed({ weir, isLost }, ruleId, options);
}

/** A rule's windows as they change, also where sockets don't get through. */
export function useLiveAnyhow(ruleId: string): LiveState & { readonly isStream: boolean } {
  const { isLost } = useStatus();
  return useFollowedAnyhow({ weir, isLost }, ruleId);
}
