import type { ReactNode } from "react";
import type { EventRow, RejectRow } from "../../../client/src/wire.ts";
import { timeText } from "../words/format.ts";

/** An event in one line, which opens. */
export function EventCard({
  event,
  children,
}: {
  readonly event: EventRow | RejectRow;
  readonly children?: ReactNode;
}) {
  const { payload } = event;
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return (
    <li>
      <details>
        <summary>
          <time dateTime={event.timestamp}>{timeText(event.timestamp)}</time>
          <b>{event.event_type}</b>
          <span>{event.user_id}</span>
          <code>{text}</code>
        </summary>
        {children}
        <dl className="pairs">
          <dt>Id</dt>
          <dd>{event.event_id}</dd>
          <dt>Received</dt>
          <dd>{event.received_at}</dd>
          <dt>Position</dt>
          <dd>{event.position}</dd>
        </dl>
        <pre tabIndex={0} aria-label="Payload">
          {typeof payload === "string" ? payload : JSON.stringify(payload, undefined, 2)}
        </pre>
      </details>
    </li>
  );
}
