import { createHash } from "node:crypto";
import type { ErasedBy, Erasure } from "../erasure/register.ts";
import { WeirError, type Problem } from "../lib/errors.ts";
import { formatTime } from "../lib/rfc3339.ts";
import { type ErasureAnswer, ErasureParameters } from "../protocol/erasures.ts";
import { parameterCheck } from "../protocol/query.ts";

/** What an erasure goes by, and its values, each once. */
export interface Selector {
  readonly by: ErasedBy;
  readonly values: readonly string[];
}

const check = parameterCheck(ErasureParameters);
const kinds = ["user_id", "event_id"] as const;

/** The one selector that the parameters of a request name. Throws `invalid_query` with every mistake. */
export function selectorOf(raw: Readonly<Record<string, unknown>>): Selector {
  const checked = check({ ...raw });
  if (!checked.ok) throw refused(checked.problems);
  const parameters: ErasureParameters = checked.value;
  const named = kinds.filter((kind) => parameters[kind] !== undefined);
  const [by] = named;
  if (by === undefined || named.length > 1) throw refused([{ path: named[1] ?? "user_id", message: oneOnly }]);
  return { by, values: [...new Set(parameters[by])] };
}

const oneOnly = "say whose events to erase: either user_id or event_id, and not both";

/** What stays of a value. With the erasure's id in it, the same value is another text in each erasure. */
export const digestOf = (id: string, value: string): string =>
  createHash("sha256").update(`${id} ${value}`).digest("hex");

export function erasureAnswer(erasure: Erasure): ErasureAnswer {
  const { id, by, digests, state, events, requestedAt, removedAt, finishedAt } = erasure;
  return {
    erasure_id: id,
    by,
    digests: [...digests],
    state,
    events,
    requested_at: formatTime(requestedAt),
    removed_at: removedAt === null ? null : formatTime(removedAt),
    finished_at: finishedAt === null ? null : formatTime(finishedAt),
  };
}

function refused(problems: readonly Problem[]): WeirError {
  const named = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  return new WeirError("invalid_query", named, { details: problems });
}
