import { useMemo } from "react";
import type { DryRunAnswer } from "../../../client/src/wire.ts";
import { Failure, Figure, Loading } from "../parts/states.tsx";
import { WindowsChart, WindowsTable } from "../rule/rule-windows.tsx";
import { countText, durationText, nothing, plural, timeText } from "../words/format.ts";
import { shownRows } from "./shown-rows.ts";
import type { Preview } from "./use-preview.ts";

/** What a rule that is not saved yet would answer. */
export function PreviewCard({ preview, isWrong }: { readonly preview: Preview; readonly isWrong: boolean }) {
  const { answer, error, isAsking, again } = preview;
  return (
    <aside className="preview" aria-label="Preview">
      <section className="card">
        <h2>
          Preview{" "}
          <PreviewState
            isAsking={isAsking}
            isWrong={isWrong}
            isBefore={error !== undefined}
            isNone={answer === undefined}
          />
        </h2>
        {error !== undefined && !isWrong && <Failure error={error} {...(again && { again })} />}
        {answer !== undefined ? (
          <div className={error === undefined ? "stack" : "of-before"}>
            <Windows answer={answer} />
          </div>
        ) : isWrong ? (
          <p className="hint">The chart comes once the rule can be read.</p>
        ) : (
          error === undefined && <Loading what="the preview" lines={5} />
        )}
      </section>
    </aside>
  );
}

type PreviewFacts = Readonly<Record<"isAsking" | "isWrong" | "isBefore" | "isNone", boolean>>;

function PreviewState({ isAsking, isWrong, isBefore, isNone }: PreviewFacts) {
  const words = isAsking
    ? "trying"
    : isWrong
      ? isNone
        ? "of nothing yet"
        : "of what could be read last"
      : isBefore
        ? "of before"
        : "nothing is saved yet";
  return (
    <span className="hint" role="status">
      {words}
    </span>
  );
}

function Windows({ answer }: { readonly answer: DryRunAnswer }) {
  const { sample, rule, warnings, more } = answer;
  const { rows, isPart } = useMemo(() => shownRows(answer), [answer]);
  const drawn = { ...rule, group_by: rule.group_by ?? [], isPart };
  return (
    <>
      {warnings.map(({ code, message }) => (
        <p key={code} className="notice notice-warn">
          {code === "no_events" ? (
            <>
              There are no events yet to try it on: <a href="#/try">send a few</a>. It can be saved all the same.
            </>
          ) : (
            message
          )}
        </p>
      ))}
      {rows.length > 0 && <WindowsChart rows={rows} rule={drawn} isTrial />}
      {sample.events > 0 && (
        <p className="hint">
          Of the newest {plural(sample.events, "event")}
          {sample.from !== null && sample.to !== null && `, ${timeText(sample.from)} to ${timeText(sample.to)} UTC`}.
          The first and the last window may lack events.
          {more &&
            ` Shown are the newest ${plural(rows.length, "row")} of more${isPart ? "; the window has further groups" : ""}.`}
        </p>
      )}
      <PreviewFigures answer={answer} />
      {rows.length > 0 && <WindowsTable rows={rows} rule={drawn} isTrial />}
    </>
  );
}

function PreviewFigures({
  answer: { entered, skipped, late, groups, cost, fills },
}: {
  readonly answer: DryRunAnswer;
}) {
  const { engine_ms_per_100k_events: ms, rows_stored_per_day: rows } = cost;
  return (
    <dl className="figures figures-two">
      <Figure
        name="Entered"
        value={countText(entered)}
        note={`events; ${countText(skipped)} skipped, ${countText(late)} late`}
      />
      <Figure name="Groups" value={countText(groups)} note="in the sample" />
      <Figure name="Cost" value={ms === null ? nothing : durationText(ms)} note="for 100,000 events, at most" />
      <Figure
        name="Stored"
        value={countText(rows)}
        note={fills ? "rows a day; history is counted first" : "rows a day; answers at once"}
      />
    </dl>
  );
}
