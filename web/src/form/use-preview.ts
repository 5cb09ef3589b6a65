import { useEffect, useState } from "react";
import type { DryRunAnswer, Rule } from "../../../client/src/wire.ts";
import type { WeirError } from "../../../client/src/weir.ts";
import { weir } from "../server.ts";
import { toWeirError } from "../use-polled.ts";

export interface Preview {
  /** Of the last rule that the server understood. */
  readonly answer: DryRunAnswer | undefined;
  /** Why there is none of the rule as it is now. */
  readonly error: WeirError | undefined;
  readonly isAsking: boolean;
}

/** Typing has paused so long before a rule is tried. */
const pauseMs = 350;
/** Others are trying rules, or the server is away. */
const retryMs = 1500;
/** A rule needs a name to be tried, before a person has thought of one. */
const unnamed = "preview";

/** What the server would make of a rule, asked anew whenever it says something else. */
export function usePreview(rule: Rule): Preview {
  const [state, setState] = useState<Preview>({ answer: undefined, error: undefined, isAsking: true });
  const text = JSON.stringify({ ...rule, rule_id: rule.rule_id || unnamed });
  useEffect(() => {
    const ending = new AbortController();
    setState((old) => ({ ...old, isAsking: true }));
    const ask = async (): Promise<void> => {
      try {
        const answer = await weir.rules.dryRun(JSON.parse(text) as Rule, { signal: ending.signal });
        setState({ answer, error: undefined, isAsking: false });
      } catch (thrown) {
        if (ending.signal.aborted) return;
        const error = toWeirError(thrown);
        setState((old) => ({ ...old, error, isAsking: false }));
        if (error.canRetry) timer = setTimeout(() => void ask(), error.retryAfterMs ?? retryMs);
      }
    };
    let timer = setTimeout(() => void ask(), pauseMs);
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [text]);
  return state;
}
