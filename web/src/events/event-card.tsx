import type { ReactNode } from "react";
import type { EventRow, RejectRow } from "../../../client/src/wire.ts";
import { timeText } from "../words/format.ts";

interface EventCardProps {
  readonly event: EventRow | RejectRow;
  /** In its line instead of the payload. */
  readonly note?: string;
  readonly children?: ReactNode;
}

/** An event in one line, which opens. */
export function EventCard({ event, note, children }: EventCardProps) {
  const { payload } = event;
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return (
    <li>
      <details>
        <summary>
          <time dateTime={event.timestamp}>{timeText(event.timestamp)}</time>
          <b>
            <bdi>{event.event_type}</bdi>
          </b>
          <span>
            <bdi>{event.user_id}</bdi>
          </span>
          {note === undefined ? <code>{text}</code> : <span className="reason">{note}</span>}
        </summary>
        {children}
        <Pairs event={event} />
        <pre tabIndex={0} aria-label="Payload">
          {typeof payload === "string" ? payload : JSON.stringify(payload, undefined, 2)}
        </pre>
      </details>
    </li>
  );
}

/** Everything but the payload, whole: the line may have had no room for it. */
function Pairs({ event }: Pick<EventCardProps, "event">) {
  const pairs = [
    ["Id", event.event_id],
    ["Type", event.event_type],
    ["User", event.user_id],
    ["Time", event.timestamp],
    ["Received", event.received_at],
    ["Position", event.position],
  ] as const;
  return (
    <dl className="pairs">
      {pairs.flatMap(([name, text]) => [
        <dt key={name}>{name}</dt>,
        <dd key={`${name} of it`}>
          <bdi>{text}</bdi>
        </dd>,
      ])}
    </dl>
  );
}
