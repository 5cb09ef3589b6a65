import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { LiveOptions, Subscription } from "./live/live.ts";
import type { LiveState } from "./live/state.ts";
import { timeText } from "./stats.ts";
import type { Weir } from "./weir.ts";

/**
 * The state of a rule, live: the component is drawn again when it changes. All components of one `Weir` have one socket.
 *
 *     const { status, rows } = useLive(weir, "orders_per_minute");
 *
 * On the server (and for a rule that is not followed yet) it is `connecting`, without rows.
 */
export function useLive(weir: Pick<Weir, "subscribe">, rule: string, options: LiveOptions = {}): LiveState {
  const { intervalMs, over } = options;
  const from = timeText(options.from);
  const store = useMemo(
    () =>
      storeOf(weir, rule, {
        ...(intervalMs !== undefined && { intervalMs }),
        ...(from !== undefined && { from }),
        ...(over !== undefined && { over }),
      }),
    [weir, rule, intervalMs, from, over],
  );
  return useSyncExternalStore(
    store.subscribe,
    store.state,
    useCallback(() => store.first, [store]),
  );
}

function storeOf(weir: Pick<Weir, "subscribe">, rule: string, options: LiveOptions) {
  const first: LiveState = { rule, status: "connecting", rows: [] };
  let subscription: Subscription | undefined;
  const subscribe = (changed: () => void): (() => void) => {
    const own = weir.subscribe(rule, changed, options);
    subscription = own;
    return () => {
      own.unsubscribe();
      if (subscription === own) subscription = undefined;
    };
  };
  const state = (): LiveState => {
    const now = subscription?.state ?? first;
    // To have subscribed changes nothing: drawn again for it, a component whose options are other ones each time would never end.
    return now.status === "connecting" && !now.opened ? first : now;
  };
  return { first, subscribe, state };
}
