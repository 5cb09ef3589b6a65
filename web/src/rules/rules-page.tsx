import { useMemo } from "react";
import type { RuleAnswer } from "../../../client/src/wire.ts";
import { Icon } from "../parts/icon.tsx";
import { RuleState } from "../parts/rule-state.tsx";
import { Spark } from "../parts/spark.tsx";
import { Empty, Failure, Loading, PageHead, Refusal } from "../parts/states.tsx";
import { hrefOf } from "../route.ts";
import { showingOf } from "../rule/answering.ts";
import { linesKey, sparkOf } from "../rule/series.ts";
import { useAnswering } from "../rule/use-answering.ts";
import { sentenceOf } from "../rule/words.ts";
import { weir } from "../server.ts";
import { useEntryText } from "../use-entry-text.ts";
import { useLiveIfAny } from "../use-live.ts";
import { usePolled } from "../use-polled.ts";
import { plural } from "../words/format.ts";
import { foundRules, hasSearch } from "./search.ts";

/** Each row follows its rule live, so that there are not more of them than a page shows. */
const rowsMax = 50;

/** All rules, with what they count now. */
export function RulesPage() {
  const { value, error, again } = usePolled("rules", 2000, (signal) => weir.rules.list({ signal }));
  const [wanted, setWanted] = useEntryText("find");
  return (
    <>
      <PageHead title="Rules">
        <a className="button primary" href={hrefOf({ page: "new" })}>
          <Icon name="plus" /> New rule
        </a>
      </PageHead>
      {value === undefined ? (
        error === undefined ? (
          <Loading what="rules" lines={5} />
        ) : (
          <Failure error={error} again={again} />
        )
      ) : value.length === 0 ? (
        <Empty title="There is no rule yet">
          <p>A rule says what to count: orders per minute, revenue by country, the p95 of a duration.</p>
          <p>
            <a className="button primary" href={hrefOf({ page: "new" })}>
              Make the first rule
            </a>
          </p>
        </Empty>
      ) : (
        <>
          <Refusal error={error} again={again} />
          <Rules rules={value} wanted={wanted} want={setWanted} />
        </>
      )}
    </>
  );
}

interface RulesProps {
  readonly rules: readonly RuleAnswer[];
  readonly wanted: string;
  readonly want: (text: string) => void;
}

function Rules({ rules, wanted, want }: RulesProps) {
  const found = foundRules(rules, wanted);
  return (
    <>
      {hasSearch(rules.length, wanted) && (
        <label className="search">
          <span>Find a rule</span>
          <input type="search" value={wanted} onChange={(event) => want(event.target.value)} />
        </label>
      )}
      {found.length === 0 ? (
        <Empty title={`No rule has “${wanted}” in its name`}>
          <button type="button" onClick={() => want("")}>
            Show all
          </button>
        </Empty>
      ) : (
        <ul className="rules card">
          {found.slice(0, rowsMax).map((rule) => (
            // One that was deleted and made again is another rule.
            <RuleRow key={`${rule.rule_id} ${rule.created_at}`} rule={rule} />
          ))}
        </ul>
      )}
      {found.length > rowsMax && (
        <p className="hint">
          The first {rowsMax} of {plural(found.length, "rule")}: write more of the name to see others.
        </p>
      )}
    </>
  );
}

function RuleRow({ rule }: { readonly rule: RuleAnswer }) {
  const state = useLiveIfAny(rule.rule_id, { intervalMs: 1000 });
  const { rows, status, version, isBlocked } = state;
  const drawn = useAnswering(rule, version);
  const showing = showingOf(state, drawn);
  const values = useMemo(() => (drawn ? sparkOf(rows, drawn) : []), [rows, drawn && linesKey(drawn)]);
  return (
    <li>
      <a href={hrefOf({ page: "rule", ruleId: rule.rule_id })}>
        <span className="rule-name">
          <b>{rule.rule_id}</b>
          <small>{sentenceOf(rule)}</small>
        </span>
        <span className={status === "stale" ? "of-before" : ""}>
          {showing === "loading" || showing === "refused" ? (
            <span className="spark-empty">{isBlocked || showing === "refused" ? "no live line" : "…"}</span>
          ) : (
            // Texts and lists, say, are no line, but they are there.
            <Spark values={values} none={rows.length === 0 ? "no windows yet" : "no numbers"} />
          )}
        </span>
        <span className="rule-groups">
          {rule.groups === null || rule.group_by.length === 0 ? "" : plural(rule.groups, "group")}
        </span>
        <RuleState rule={rule} />
      </a>
    </li>
  );
}
