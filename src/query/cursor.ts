import { createHash } from "node:crypto";
import type { Problem } from "../lib/errors.ts";
import { timeMax } from "../lib/rfc3339.ts";

/** What identifies the query that a cursor continues. Anything that changes the rows or their order belongs to it. */
export type Binding = readonly unknown[];

/** Writes where the next page begins, as text that clients only hand back. */
export function writeCursor(binding: Binding, place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([digest(binding), ...place])).toString("base64url");
}

/** Reads a cursor of this query; one that is damaged or of another query becomes a problem. `understand` checks the place. */
export function readCursor<T>(
  text: string,
  binding: Binding,
  understand: (place: readonly unknown[]) => T | undefined,
  problems: Problem[],
): T | undefined {
  const parts = unpacked(text);
  const place = parts?.[0] === digest(binding) ? understand(parts.slice(1)) : undefined;
  if (place === undefined)
    problems.push({
      path: "cursor",
      message: "is not one that an answer to this query gave; ask without it to start again",
    });
  return place;
}

/* Who edits a cursor can write any number: what the store can't take has to be seen here. */

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
export const isMoment = (value: unknown): value is number => isCount(value) && value <= timeMax;
export const isPartition = (value: unknown): value is number => isCount(value) && value <= 0xffff;

function unpacked(text: string): readonly unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

function digest(binding: Binding): string {
  return createHash("sha256").update(JSON.stringify(binding)).digest("base64url").slice(0, 16);
}
