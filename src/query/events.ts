import type { Problem } from "../lib/errors.ts";
import { formatTime, timeMax } from "../lib/rfc3339.ts";
import { parameterCheck } from "../protocol/query.ts";
import { EventsParameters } from "../protocol/stats.ts";
import type { EventQuery, Store, StoredEvent } from "../store/store.ts";
import { isCount, isMoment, isPartition, readCursor, writeCursor } from "./cursor.ts";
import type { Binding } from "./cursor.ts";
import { checkSpan, refuse, timeOf } from "./parameters.ts";
import type { RawParameters } from "./parameters.ts";

type Place = NonNullable<EventQuery["behind"]>;

/** A page of stored events, newest first; `nextCursor` when there is more. */
export interface EventsPage {
  readonly events: readonly StoredEvent[];
  readonly nextCursor?: string;
}

const check = parameterCheck(EventsParameters);

/**
 * Answers `/events`. Without times: all of them.
 * @throws WeirError `invalid_query` with every mistake, `store_unavailable`.
 */
export async function events(
  raw: RawParameters,
  store: Pick<Store, "events">,
  signal?: AbortSignal,
): Promise<EventsPage> {
  const { query, nextCursor } = eventsRequest(raw);
  const found = await store.events({ ...query, limit: query.limit + 1 }, signal);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return found.length > query.limit && last ? { events: page, nextCursor: nextCursor(last) } : { events: page };
}

/** The answer as text: payloads are put in as they are stored, so that nothing of them is lost on the way. */
export function eventsText(page: EventsPage): string {
  const rows = page.events.map((event) => eventText(event)).join(",");
  const next = page.nextCursor === undefined ? "" : `,"next_cursor":${JSON.stringify(page.nextCursor)}`;
  return `{"count":${page.events.length},"data":[${rows}]${next}}`;
}

export function eventsRequest(raw: RawParameters): { query: EventQuery; nextCursor: (last: Place) => string } {
  const problems: Problem[] = [];
  const checked = check({ ...raw });
  if (!checked.ok) problems.push(...checked.problems);
  const parameters: RawParameters = checked.ok ? checked.value : raw;
  const from = timeOf("start_time", parameters.start_time, problems) ?? 0;
  const to = timeOf("end_time", parameters.end_time, problems) ?? timeMax;
  checkSpan(from, to, problems);
  const filters = filtersOf(parameters);
  const binding: Binding = ["events", from, to, filters];
  const behind =
    typeof parameters.cursor === "string" ? readCursor(parameters.cursor, binding, understand, problems) : undefined;
  refuse(problems);
  const query = { from, to, ...filters, limit: Number(parameters.limit), ...(behind ? { behind } : {}) };
  return { query, nextCursor: (last) => writeCursor(binding, [last.timestamp, last.src, last.off]) };
}

function filtersOf(parameters: RawParameters): Pick<EventQuery, "event_id" | "event_type" | "user_id"> {
  const { event_id, event_type, user_id } = parameters;
  return {
    ...(typeof event_id === "string" ? { event_id } : {}),
    ...(typeof event_type === "string" ? { event_type } : {}),
    ...(typeof user_id === "string" ? { user_id } : {}),
  };
}

function understand([timestamp, src, off]: readonly unknown[]): Place | undefined {
  return isMoment(timestamp) && isPartition(src) && isCount(off) ? { timestamp, src, off } : undefined;
}

/** `more` stands behind everything else. */
export function eventText(event: StoredEvent, more: object = {}): string {
  const head = JSON.stringify({
    event_id: event.event_id,
    user_id: event.user_id,
    event_type: event.event_type,
    timestamp: formatTime(event.timestamp),
  });
  const tail = JSON.stringify({
    position: `${event.src}:${event.off}`,
    received_at: formatTime(event.receivedAt),
    ...more,
  });
  return `${head.slice(0, -1)},"payload":${event.payload},${tail.slice(1)}`;
}
