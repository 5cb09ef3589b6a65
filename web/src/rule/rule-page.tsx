import { useState } from "react";
import type { RuleAnswer } from "../../../client/src/wire.ts";
import type { WeirError } from "../../../client/src/weir.ts";
import { forgetDraft } from "../form/kept-draft.ts";
import { Question } from "../parts/question.tsx";
import { RuleState } from "../parts/rule-state.tsx";
import { Empty, Failure, Loading, PageHead, Refusal } from "../parts/states.tsx";
import { hrefOf } from "../route.ts";
import { weir } from "../server.ts";
import { toWeirError, usePolled } from "../use-polled.ts";
import { timeText } from "../words/format.ts";
import { CsvLink, CsvSaid, useCsvFile } from "./csv-file.tsx";
import { Facts } from "./facts.tsx";
import { RuleWindows } from "./rule-windows.tsx";
import { Versions } from "./versions.tsx";
import { sentenceOf } from "./words.ts";

/** One rule: its windows live, how it stands, its versions, and what can be done with it. */
export function RulePage({ ruleId }: { readonly ruleId: string }) {
  const {
    value: rule,
    error,
    again,
  } = usePolled(`rule ${ruleId}`, 1000, (signal) => weir.rules.get(ruleId, { signal }));
  const isGone = error?.code === "unknown_rule";
  return (
    <>
      <PageHead title={ruleId}>{rule && !isGone && <Actions rule={rule} changed={again} />}</PageHead>
      {isGone ? (
        <NoSuchRule />
      ) : rule === undefined ? (
        error === undefined ? (
          <Loading what="the rule" lines={7} />
        ) : (
          <Failure error={error} again={again} />
        )
      ) : (
        <>
          <Refusal error={error} again={again} />
          <p className="sentence">
            <RuleState rule={rule} /> {sentenceOf(rule)}
            {rule.filter !== undefined && (
              <>
                {" "}
                where <code>{rule.filter}</code>
              </>
            )}
          </p>
          <Progress rule={rule} />
          {/* One that was deleted and made again is another rule. */}
          <RuleWindows key={rule.created_at} rule={rule} />
          <Facts rule={rule} />
          <Versions rule={rule} changed={again} />
        </>
      )}
    </>
  );
}

const NoSuchRule = () => (
  <Empty title="There is no such rule">
    It may have been deleted. <a href={hrefOf({ page: "rules" })}>All rules</a>, or{" "}
    <a href={hrefOf({ page: "new" })}>make one</a>.
  </Empty>
);

/** How much of history is counted, while it is being filled; or why the server has stopped the rule. */
function Progress({ rule }: { readonly rule: RuleAnswer }) {
  if (rule.stopped_because !== undefined)
    return (
      <p className="notice notice-warn" role="status">
        The server has paused this rule: {rule.stopped_because}. Change it, or resume it to try again.
      </p>
    );
  if (rule.state !== "filling") return null;
  const answering =
    rule.answering_version === rule.version ? "" : ` Version ${rule.answering_version} answers until then.`;
  return (
    <p className="filling">
      <label>
        Counting what came before
        <progress value={rule.progress} max={1} />
      </label>
      <span>
        {whenReady(rule)}
        {answering}
      </span>
    </p>
  );
}

function whenReady({ eta, waiting_for: waitingFor }: RuleAnswer): string {
  if (waitingFor !== undefined) return `It stands still: ${waitingFor}.`;
  return eta ? `Ready about ${timeText(eta)} UTC.` : "How long it takes is not known yet.";
}

function Actions({ rule, changed }: { readonly rule: RuleAnswer; readonly changed: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const [failure, setFailure] = useState<WeirError>();
  const csv = useCsvFile(rule.rule_id);
  const act = async (work: () => Promise<unknown>, done: () => void): Promise<void> => {
    setFailure(undefined);
    try {
      await work();
      done();
    } catch (error) {
      setFailure(toWeirError(error));
    }
  };
  const toggle = (): void => void act(() => weir.rules.patch(rule.rule_id, { active: !rule.active }), changed);
  const remove = (): void => {
    setAsking(false);
    void act(
      () => weir.rules.delete(rule.rule_id),
      () => (forgetDraft(rule.rule_id), location.assign(hrefOf({ page: "rules" }))),
    );
  };
  return (
    <>
      <a className="button" href={hrefOf({ page: "edit", ruleId: rule.rule_id })}>
        Edit
      </a>
      <button type="button" onClick={toggle}>
        {rule.active ? "Pause" : "Resume"}
      </button>
      <CsvLink ruleId={rule.rule_id} csv={csv} />
      <button type="button" className="danger" onClick={() => setAsking(true)}>
        Delete
      </button>
      {isAsking && (
        <Question title={`Delete ${rule.rule_id}?`} yes="Delete the rule" onYes={remove} onNo={() => setAsking(false)}>
          Its windows go with it, and whoever follows it is told. The events stay: the same rule, made again, counts
          them anew.
        </Question>
      )}
      {failure && <Failure error={failure} />}
      <CsvSaid csv={csv} />
    </>
  );
}
