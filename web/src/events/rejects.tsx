import type { RejectsAnswer } from "../../../client/src/wire.ts";
import { Empty, Failure, Loading, Refusal } from "../parts/states.tsx";
import { weir } from "../server.ts";
import { usePolled } from "../use-polled.ts";
import { timeText } from "../words/format.ts";
import { EventCard } from "./event-card.tsx";
import { askExactly } from "./exactly.ts";

/** Acknowledged events that the store did not take, each with the reason. */
export function Rejects() {
  const { value, error, again } = usePolled("rejects", 3000, (signal) =>
    askExactly<RejectsAnswer>(weir, "/rejects", { limit: 100 }, signal),
  );
  if (value === undefined)
    return error === undefined ? <Loading what="rejects" lines={4} /> : <Failure error={error} again={again} />;
  if (value.count === 0)
    return (
      <Empty title="Nothing was rejected">
        An event that is acknowledged and that the store then refuses is kept here, with the reason. Mistakes that can
        be seen at once are refused in the answer to <code>POST /ingest</code>; <a href="#/try">try one</a>.
      </Empty>
    );
  return (
    <>
      <Refusal error={error} again={again} />
      <ul className="events card">
        {value.data.map((row) => (
          <EventCard key={row.position} event={row} note={row.reason}>
            <p className="notice notice-warn">
              {row.reason} <small>({timeText(row.rejected_at)} UTC)</small>
            </p>
          </EventCard>
        ))}
      </ul>
      <p className="hint">
        {value.next_cursor !== undefined && `The newest ${value.count}. `}Once the cause is mended,{" "}
        <code>weir rejects replay</code> sends them again.
      </p>
    </>
  );
}
