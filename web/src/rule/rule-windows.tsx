import { useMemo, useState } from "react";
import type { RuleAnswer, StatsRow } from "../../../client/src/wire.ts";
import type { WeirError } from "../../../client/src/weir.ts";
import { Chart } from "../parts/chart.tsx";
import { Empty, Failure, Loading } from "../parts/states.tsx";
import { weir } from "../server.ts";
import { useLiveAnyhow } from "../use-live.ts";
import { usePolled } from "../use-polled.ts";
import { plural, timeText, valueText } from "../words/format.ts";
import { showingOf } from "./answering.ts";
import { chartOf, groupValue, linesKey, placesOf } from "./series.ts";
import type { Drawn } from "./series.ts";
import { useAnswering } from "./use-answering.ts";

/** A rule's newest windows, drawn and as a table, as they change. */
export function RuleWindows({ rule }: { readonly rule: RuleAnswer }) {
  const state = useLiveAnyhow(rule.rule_id);
  const { status, rows, error, version, complete, isStream } = state;
  const drawn = useAnswering(rule, version);
  const showing = showingOf(state, drawn);
  const isTooLarge = error?.code === "too_large";
  if (showing === "refused" && error)
    return isTooLarge ? <NotFollowed rule={rule} error={error} /> : <Failure error={error} />;
  if (showing === "none") return <NoWindows rule={rule} />;
  if (drawn === undefined || showing === "loading") return <Loading what="windows" lines={6} />;
  return (
    <>
      <div className={status === "live" ? "" : "of-before"}>
        <section className="card">
          <h2>
            Windows <LiveMark status={status} isPaused={rule.state === "paused"} />
          </h2>
          {error && <p className="notice notice-warn">{error.message}</p>}
          <WindowsChart rows={rows} rule={drawn} />
          {complete === false && <p className="hint">Not complete: windows may lack events.</p>}
          {isStream && <NoSockets />}
        </section>
        {!isTooLarge && <WindowsTable rows={rows} rule={drawn} />}
      </div>
      {isTooLarge && <NewestRows rule={rule} />}
    </>
  );
}

interface NotFollowedProps {
  readonly rule: RuleAnswer;
  readonly error: WeirError;
}

const NotFollowed = ({ rule, error }: NotFollowedProps) => (
  <div>
    <section className="card">
      <h2>
        Windows <LiveMark status="ended" isPaused={false} />
      </h2>
      <p className="notice notice-warn">{error.message}</p>
    </section>
    <NewestRows rule={rule} />
  </div>
);

const newestMax = 100;
const newestEveryMs = 5000;

/** What is too large to be followed can still be read page by page. */
function NewestRows({ rule }: { readonly rule: RuleAnswer }) {
  const { rule_id, created_at } = rule;
  const { value, error, again } = usePolled(`newest rows ${rule_id} ${created_at}`, newestEveryMs, (signal) =>
    weir.stats.page({ rule: rule_id, limit: newestMax, signal }),
  );
  const drawn = useAnswering(rule, value?.version);
  if (value === undefined && error) return <Failure error={error} again={again} />;
  if (value === undefined || drawn === undefined) return <Loading what="the newest rows" lines={6} />;
  const note =
    value.next_cursor === undefined
      ? `The rows of the last day, asked for every ${newestEveryMs / 1000} seconds.`
      : `The newest ${newestMax} rows, asked for every ${newestEveryMs / 1000} seconds; the CSV has all.`;
  return <WindowsTable rows={value.data} rule={drawn} note={note} />;
}

export interface WindowsProps {
  readonly rows: readonly StatsRow[];
  readonly rule: Drawn;
  /** Of a rule that is only tried: none of its windows is open or final. */
  readonly isTrial?: boolean;
}

interface TableProps extends WindowsProps {
  /** What these rows are, where they are not all that is followed. */
  readonly note?: string;
}

export function WindowsChart({ rows, rule, isTrial = false }: WindowsProps) {
  // The rule is asked for every second, and its rows seldom change.
  const { xs, lines, step, openFrom, hiddenGroups, isText } = useMemo(
    () => chartOf(rows, rule),
    [rows, linesKey(rule)],
  );
  if (isText) return <p className="hint">The values of this rule are no numbers; the table has them.</p>;
  const label = `${rule.metric} of ${plural(xs.length, "window")}${rule.group_by.length > 0 ? ` by ${rule.group_by.join(", ")}` : ""}`;
  return (
    <>
      <Chart
        label={label}
        xs={xs}
        lines={lines}
        step={step}
        openFrom={isTrial ? xs.length : openFrom}
        bars={lines.length === 1}
        text={(value) => valueText(value, placesOf(rule))}
      />
      {hiddenGroups > 0 && (
        <p className="hint">
          The {lines.length} largest groups; {plural(hiddenGroups, "further group")} in the table.
        </p>
      )}
    </>
  );
}

const words = { live: "live", stale: "resuming", ended: "ended", connecting: "connecting" } as const;

function LiveMark({ status, isPaused }: { readonly status: keyof typeof words; readonly isPaused: boolean }) {
  const isMoving = status === "live" && !isPaused;
  return (
    <span className={`pill pill-${isMoving ? "live" : "paused"}`}>
      {isPaused && status === "live" ? "paused" : words[status]}
    </span>
  );
}

const NoSockets = () => (
  <p className="hint">
    No WebSocket gets through to the server, so these come as a stream of events. A proxy in between has to pass{" "}
    <code>Host</code> and <code>Upgrade</code> on.
  </p>
);

function NoWindows({ rule }: { readonly rule: RuleAnswer }) {
  if (rule.state === "filling") return <Loading what="windows" lines={6} />;
  return (
    <Empty title="No event has entered this rule yet">
      <p>
        {rule.state === "paused" ? "It is paused: resume it, and it counts what came meanwhile. " : ""}
        <a href="#/try">Send a few events</a>, or look at <a href="#/events">what arrives</a>
        {rule.filter === undefined ? "." : ": the filter may be true for none of it."}
        {(rule.skipped ?? 0) > 0 &&
          ` ${plural(rule.skipped ?? 0, "event")} had no ${rule.field ?? "field"} that it could read.`}
      </p>
    </Empty>
  );
}

const rowsAtFirst = 12;

export function WindowsTable({ rows, rule, isTrial = false, note }: TableProps) {
  const [most, setMost] = useState(rowsAtFirst);
  const isGrowing = rule.window_type === "cumulative";
  const valueClass = typeof (rows[0]?.value ?? 0) === "number" ? "number" : "text";
  return (
    <section className="card">
      <h2>Table</h2>
      {note !== undefined && <p className="hint">{note}</p>}
      <div className="scroll" tabIndex={0} role="region" aria-label="Windows as a table">
        <table>
          <thead>
            <tr>
              <th>Window, UTC</th>
              {isGrowing && <th>until</th>}
              {rule.group_by.map((name) => (
                <th key={name}>{name}</th>
              ))}
              <th className={valueClass}>{rule.metric}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, most).map((row) => (
              <tr key={keyOf(row, rule)}>
                <td>
                  {timeText(row.window_start)}{" "}
                  {!row.final && !isTrial && <span className="pill pill-filling">open</span>}
                </td>
                {isGrowing && <td>{timeText(row.window_end)}</td>}
                {rule.group_by.map((name) => (
                  <GroupCell key={name} text={row.overflow ? "further groups" : groupValue(row, name)} />
                ))}
                <td className={valueClass}>{valueText(row.value, placesOf(rule))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > most && (
        <button type="button" className="more" onClick={() => setMost(most + 100)}>
          Show more of {plural(rows.length, "row")}
        </button>
      )}
    </section>
  );
}

/** As wide as a name, whatever length the value has. */
const GroupCell = ({ text }: { readonly text: string }) => (
  <td className="group" title={text}>
    <bdi>{text}</bdi>
  </td>
);

const keyOf = (row: StatsRow, { group_by }: Drawn): string =>
  JSON.stringify([row.window_start, row.window_end, row.overflow, ...group_by.map((name) => row[name])]);
