import type { Problem } from "../lib/errors.ts";
import { formatTime } from "../lib/rfc3339.ts";
import { parameterCheck } from "../protocol/query.ts";
import { RejectsDropParameters, RejectsParameters } from "../protocol/rejects.ts";
import type { RejectsDropAnswer } from "../protocol/rejects.ts";
import type { Position, RejectQuery, RejectStore, RejectedEvent } from "../store/rejects.ts";
import { isCount, isMoment, isPartition, readCursor, writeCursor } from "./cursor.ts";
import { eventText } from "./events.ts";
import { refuse } from "./parameters.ts";
import type { RawParameters } from "./parameters.ts";

type Place = NonNullable<RejectQuery["behind"]>;

/** A page of what is in quarantine, newest first; `nextCursor` when there is more. */
export interface RejectsPage {
  readonly rejects: readonly RejectedEvent[];
  readonly nextCursor?: string;
}

const check = parameterCheck(RejectsParameters);
const checkDrop = parameterCheck(RejectsDropParameters);
const binding = ["rejects"];

/** Answers `GET /rejects`. */
export async function rejects(
  raw: RawParameters,
  store: Pick<RejectStore, "rejects">,
  signal?: AbortSignal,
): Promise<RejectsPage> {
  const { limit, behind } = request(raw);
  const found = await store.rejects({ limit: limit + 1, ...(behind === undefined ? {} : { behind }) }, signal);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  if (found.length <= limit || last === undefined) return { rejects: page };
  return { rejects: page, nextCursor: writeCursor(binding, [last.rejectedAt, last.src, last.off]) };
}

/** Answers `DELETE /rejects`. */
export async function dropRejects(
  raw: RawParameters,
  store: Pick<RejectStore, "dropRejects">,
): Promise<RejectsDropAnswer> {
  const checked = checkDrop({ ...raw });
  if (!checked.ok) return (refuse(checked.problems), { deleted: 0 });
  return { deleted: await store.dropRejects((checked.value["position"] as string[]).map(positionOf)) };
}

/** The answer as text: payloads are put in as they are stored. */
export function rejectsText({ rejects: rows, nextCursor }: RejectsPage): string {
  const next = nextCursor === undefined ? "" : `,"next_cursor":${JSON.stringify(nextCursor)}`;
  return `{"count":${rows.length},"data":[${rows.map(rejectText).join(",")}]${next}}`;
}

function request(raw: RawParameters): { limit: number; behind: Place | undefined } {
  const problems: Problem[] = [];
  const checked = check({ ...raw });
  if (!checked.ok) problems.push(...checked.problems);
  const { cursor, limit }: RawParameters = checked.ok ? checked.value : raw;
  const behind = typeof cursor === "string" ? readCursor(cursor, binding, understand, problems) : undefined;
  refuse(problems);
  return { limit: Number(limit), behind };
}

function understand([rejectedAt, src, off]: readonly unknown[]): Place | undefined {
  return isMoment(rejectedAt) && isPartition(src) && isCount(off) ? { rejectedAt, src, off } : undefined;
}

function positionOf(text: string): Position {
  const [src, off] = text.split(":");
  return { src: Math.min(Number(src), 65_535), off: Number(off) };
}

function rejectText(event: RejectedEvent): string {
  const payload = isJson(event.payload) ? event.payload : JSON.stringify(event.payload);
  return eventText({ ...event, payload }, { reason: event.reason, rejected_at: formatTime(event.rejectedAt) });
}

/** What is in quarantine may be anything. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
