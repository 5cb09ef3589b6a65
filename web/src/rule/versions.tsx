import { useState } from "react";
import type { RuleAnswer, RuleVersionsAnswer } from "../../../client/src/wire.ts";
import type { WeirError } from "../../../client/src/weir.ts";
import { Question } from "../parts/question.tsx";
import { Failure } from "../parts/states.tsx";
import { weir } from "../server.ts";
import { toWeirError, usePolled } from "../use-polled.ts";
import { timeText } from "../words/format.ts";
import { changesOf, versionsKey } from "./changes.ts";

type Version = RuleVersionsAnswer["versions"][number];

interface Asked {
  readonly to: number;
  readonly of: RuleAnswer;
}

/** What the rule was, with a way back. */
export function Versions({ rule, changed }: { readonly rule: RuleAnswer; readonly changed: () => void }) {
  const { rule_id, version } = rule;
  const {
    value,
    before = [],
    error,
    again,
  } = usePolled(versionsKey(rule), 0, (signal) => weir.rules.versions(rule_id, { signal }));
  const listed = value ?? before;
  // With the rule as it was then: changed by somebody else meanwhile, it is not what the answer is about.
  const [asked, setAsked] = useState<Asked>();
  const [failure, setFailure] = useState<WeirError>();
  const rollBack = async ({ to, of }: Asked): Promise<void> => {
    setAsked(undefined);
    setFailure(undefined);
    try {
      await weir.rules.patch(rule_id, { version: to }, { ifMatch: of });
      changed();
    } catch (error) {
      setFailure(toWeirError(error));
    }
  };
  return (
    <section className="card">
      <h2>Versions</h2>
      {failure && <Failure error={failure} />}
      {value === undefined && error && error.code !== "no_answer" && <Failure error={error} again={again} />}
      <ol className="versions">
        {listed.map((one, index) => (
          <li key={one.version}>
            <span>
              <b>{one.version}</b> <small>{timeText(one.created_at)}</small>
            </span>
            <span className="changes">{describe(one, listed[index + 1])}</span>
            {one.version === version ? (
              <span className={`pill pill-${one.state}`}>{one.state}</span>
            ) : (
              <button
                type="button"
                onClick={() => setAsked({ to: one.version, of: rule })}
                aria-label={`Roll back to version ${one.version}`}
              >
                Roll back
              </button>
            )}
          </li>
        ))}
      </ol>
      {asked !== undefined && (
        <Question
          title={`Roll ${rule_id} back to version ${asked.to}?`}
          yes="Roll back"
          onYes={() => void rollBack(asked)}
          onNo={() => setAsked(undefined)}
        >
          It becomes version {asked.of.version + 1}, as version {asked.to} was. Version {asked.of.version} answers until
          that is filled.
        </Question>
      )}
    </section>
  );
}

function describe(version: Version, before: Version | undefined): string {
  if (version.rolled_back_to !== undefined) return `as version ${version.rolled_back_to} was`;
  if (before === undefined) return version.version === 1 ? "made" : "the oldest that is kept";
  return changesOf(before, version).join("; ") || "nothing but its windows";
}
