import type { StatusAnswer } from "../../../client/src/wire.ts";
import { Chart } from "../parts/chart.tsx";
import { Empty, Figure, Loading, PageHead } from "../parts/states.tsx";
import { useStatus } from "../status-feed.ts";
import { bytesText, countText, durationText, percentText, plural, shortNumber } from "../words/format.ts";
import { ratesOf } from "./history.ts";

/** What an operator asks first, moving. */
export function Overview() {
  const { status, isLost, strange, history } = useStatus();
  return (
    <>
      <PageHead title="Overview" />
      {status === undefined ? (
        strange === undefined && <Loading what="the state of the server" lines={6} />
      ) : (
        <div className={isLost ? "of-before" : ""}>
          {status.events === 0 && <FirstSteps rules={status.rules} />}
          <Figures status={status} />
          <section className="card">
            <h2>Events per second</h2>
            <Chart label="Events per second of the last two minutes" {...ratesOf(history)} height={220} />
          </section>
          <Parts status={status} />
        </div>
      )}
    </>
  );
}

function FirstSteps({ rules }: Pick<StatusAnswer, "rules">) {
  const hasRules = rules.live + rules.filling + rules.paused > 0;
  return (
    <Empty title="Nothing has been counted yet">
      <ol>
        <li>
          <a href="#/try">Send a few events</a> by hand, or from your application to <code>POST /ingest</code>.
        </li>
        <li>
          {hasRules ? (
            <>
              Watch your <a href="#/rules">rules</a> count them.
            </>
          ) : (
            <>
              <a href="#/rules//new">Make a rule</a>: it shows its chart before it is saved.
            </>
          )}
        </li>
      </ol>
    </Empty>
  );
}

/** Null where events are taken by other processes. */
const rateText = (perSecond: number | null): string => (perSecond === null ? "–" : shortNumber(Math.round(perSecond)));

function Figures({ status }: { readonly status: StatusAnswer }) {
  const { rates, log, rules } = status;
  const isFilling = rules.filling > 0 ? `, ${rules.filling} filling` : "";
  return (
    <dl className="figures" aria-label="Now">
      <Figure name="Events per second" value={rateText(rates.accepted_per_second)} note="acknowledged" />
      <Figure
        name="Lag"
        value={durationText(status.lag_ms)}
        note="until an event is counted"
        tone={status.lag_ms > 5000 ? "warn" : "plain"}
      />
      <Figure
        name="Backlog"
        value={bytesText(log.bytes)}
        note={`${percentText(log.bytes / log.bytes_max)} of ${bytesText(log.bytes_max)}`}
        tone={log.accepting ? "plain" : "warn"}
      />
      <Figure name="Counted" value={countText(status.events)} note="events since the beginning" />
      <Figure name="Duplicates" value={countText(status.duplicates)} note="left out, as their id was known" />
      <Figure name="Late" value={countText(status.late)} note="for their window, over all rules" />
      <Figure
        name="Rejected"
        value={countText(status.rejects)}
        note="in quarantine"
        tone={(status.rejects ?? 0) > 0 ? "warn" : "plain"}
      />
      <Figure
        name="Rules"
        value={countText(rules.live + rules.filling + rules.paused)}
        note={`${rules.live} live${isFilling}, ${rules.paused} paused`}
      />
    </dl>
  );
}

const meanings: Readonly<Record<string, string>> = {
  log: "keeps what is acknowledged",
  store: "stores and counts",
  rules: "what is counted",
};

/** Of a part that does not say itself what is wrong. */
const troubles: Readonly<Record<string, string>> = {
  log: "takes nothing now: events are refused, and clients told to come again",
  store: "does not answer: acknowledged events wait in the log, and are counted once it does",
  rules: "can't be changed now; those in force go on",
};

function Parts({ status: { parts, log, rejects } }: { readonly status: StatusAnswer }) {
  return (
    <section className="card">
      <h2>Health</h2>
      <ul className="parts">
        {Object.entries(parts).map(([name, { ok, detail }]) => (
          <li key={name}>
            <span className={`pill ${ok ? "pill-live" : "pill-bad"}`}>{ok ? "ok" : "trouble"}</span>
            <b>{name}</b>
            <span>{detail ?? (name === "log" ? log.reason : undefined) ?? (ok ? meanings : troubles)[name]}</span>
          </li>
        ))}
      </ul>
      {(rejects ?? 0) > 0 && (
        <p>
          <a href="#/events/rejects">See why {plural(rejects ?? 0, "event")} could not be counted</a>
        </p>
      )}
    </section>
  );
}
