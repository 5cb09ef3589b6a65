import { useEffect, useState } from "react";
import type { DryRunAnswer, Rule } from "../../../client/src/wire.ts";
import type { WeirError } from "../../../client/src/weir.ts";
import { weir } from "../server.ts";
import { keepTrying } from "./trial.ts";
import type { Outcome } from "./trial.ts";

export interface Preview {
  /** Of the last rule that the server understood. */
  readonly answer: DryRunAnswer | undefined;
  /** Why there is none of the rule as it is now. */
  readonly error: WeirError | undefined;
  readonly isAsking: boolean;
  /** Tries it once more; where it might succeed, and is not tried again by itself. */
  readonly again?: () => void;
}

/** A rule needs a name to be tried, before a person has thought of one. */
const unnamed = "preview";

/** What the server would make of a rule, asked anew whenever it says something else. */
export function usePreview(rule: Rule): Preview {
  const [state, setState] = useState<Preview>({ answer: undefined, error: undefined, isAsking: true });
  const [turn, setTurn] = useState(0);
  const text = JSON.stringify({ ...rule, rule_id: rule.rule_id || unnamed });
  useEffect(() => {
    setState(({ again: _again, ...old }) => ({ ...old, isAsking: true }));
    const again = (): void => setTurn(turn + 1);
    return keepTrying(
      (signal) => weir.rules.dryRun(JSON.parse(text) as Rule, { signal }),
      (outcome) => setState((old) => after(old, outcome, again)),
    );
  }, [text, turn]);
  return state;
}

function after({ answer }: Preview, outcome: Outcome<DryRunAnswer>, again: () => void): Preview {
  if ("answer" in outcome) return { answer: outcome.answer, error: undefined, isAsking: false };
  const { error, isRepeated } = outcome;
  return { answer, error, isAsking: false, ...(error.canRetry && !isRepeated && { again }) };
}
