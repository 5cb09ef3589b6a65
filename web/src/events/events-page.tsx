import { useState } from "react";
import type { EventRow, EventsAnswer } from "../../../client/src/wire.ts";
import { Empty, Loading, PageHead, Refusal } from "../parts/states.tsx";
import { hrefOf } from "../route.ts";
import { weir } from "../server.ts";
import { usePolled, useSettled } from "../use-polled.ts";
import { EventCard } from "./event-card.tsx";
import { askExactly } from "./exactly.ts";
import { Rejects } from "./rejects.tsx";

/** What arrives now, an event that is looked for, and what the store has refused. */
export function EventsPage({ tab }: { readonly tab: "arriving" | "rejects" }) {
  return (
    <>
      <PageHead title="Events" />
      <nav className="tabs" aria-label="Which events">
        <a href={hrefOf({ page: "events", tab: "arriving" })} aria-current={tab === "arriving" ? "page" : undefined}>
          Arriving
        </a>
        <a href={hrefOf({ page: "events", tab: "rejects" })} aria-current={tab === "rejects" ? "page" : undefined}>
          Rejected
        </a>
      </nav>
      {tab === "rejects" ? <Rejects /> : <Arriving />}
    </>
  );
}

const filters = [
  { name: "event_id", label: "Id" },
  { name: "event_type", label: "Type" },
  { name: "user_id", label: "User" },
] as const;
type Wanted = Readonly<Partial<Record<(typeof filters)[number]["name"], string>>>;

const shown = 50;

function Arriving() {
  const [wanted, setWanted] = useState<Wanted>({});
  const [isHeld, setHeld] = useState(false);
  const asked = useSettled(wanted, 250);
  const { value, before, error, again } = usePolled(`events ${JSON.stringify(asked)}`, isHeld ? 0 : 1500, (signal) =>
    askExactly<EventsAnswer>(weir, "/events", { ...asked, limit: shown }, signal),
  );
  const found = value ?? before;
  const isFiltered = Object.keys(asked).length > 0;
  const want = (name: keyof Wanted, text: string): void => {
    const { [name]: _before, ...rest } = wanted;
    setWanted(text === "" ? rest : { ...rest, [name]: text });
  };
  return (
    <>
      <form className="filters" role="search" aria-label="Look up events" onSubmit={(event) => event.preventDefault()}>
        {filters.map(({ name, label }) => (
          <label key={name}>
            <span>{label}</span>
            <input
              type="search"
              value={wanted[name] ?? ""}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => want(name, event.target.value)}
            />
          </label>
        ))}
        <button type="button" aria-pressed={isHeld} onClick={() => setHeld(!isHeld)}>
          {isHeld ? "Go on" : "Hold"}
        </button>
      </form>
      <Refusal error={error} again={again} />
      {found === undefined ? (
        error === undefined && <Loading what="events" lines={6} />
      ) : (
        <EventList
          rows={found.data}
          isFiltered={isFiltered}
          isSpaced={Object.values(asked).some((text) => text !== text.trim())}
          isOfBefore={error !== undefined || value === undefined || asked !== wanted}
        />
      )}
    </>
  );
}

interface EventListProps {
  readonly rows: readonly EventRow[];
  readonly isFiltered: boolean;
  /** Something that is looked for has a space at an end, as what is pasted often has. */
  readonly isSpaced: boolean;
  readonly isOfBefore: boolean;
}

function EventList({ rows, isFiltered, isSpaced, isOfBefore }: EventListProps) {
  if (rows.length === 0)
    return isFiltered ? (
      <Empty title="No event is like that">
        Each field is compared as a whole: an id, a type or a user has to be given in full.
        {isSpaced && " A space at an end counts, and there is one."}
      </Empty>
    ) : (
      <Empty title="Nothing has arrived yet">
        <a href="#/try">Send a few events</a> by hand, or from your application to <code>POST /ingest</code>. They show
        up here at once.
      </Empty>
    );
  return (
    <section className={isOfBefore ? "of-before" : "stack"} aria-label="The newest events">
      <ul className="events card">
        {rows.map((row) => (
          <EventCard key={row.position} event={row} />
        ))}
      </ul>
      <p className="hint">
        The newest {rows.length === 1 ? "one" : rows.length} by their own time, UTC. Open one to see all of it.
      </p>
    </section>
  );
}
