import { useLive as useLiveOf } from "../../client/src/react.ts";
import type { LiveOptions, LiveState } from "../../client/src/weir.ts";
import { weir } from "./server.ts";

/** A rule's windows as they change, over the one socket of this page. */
export const useLive = (ruleId: string, options: LiveOptions = {}): LiveState => useLiveOf(weir, ruleId, options);
