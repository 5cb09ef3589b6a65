import { ClickHouseError } from "@clickhouse/client";
import { messageOf, WeirError } from "../../lib/errors.ts";
import { damageIn, damaged } from "./damage.ts";

/**
 * Codes that speak of the engine's state, not of the statement: it may work later. 107: it started anew, on an empty folder.
 * The second list is of what its machine refuses: files and descriptors, memory, threads. Taken for a refusal, it would put
 * good events into quarantine and pause good rules. The third is of servers that others run: a password that was changed, a
 * grant that was taken away, a table that is being replaced, replicas that are too few, a cluster that is being configured anew.
 */
const passing = new Set([
  ...codes("107 159 160 202 203 209 210 236 243 252 394 439 677 745 776 1000 1001 1002"),
  ...codes("74 75 76 77 87 88 172 173 204 214 239 240 241 272 273 294 298 299 303 304 363 400 402 411 423 425 458 460"),
  ...codes("461 463 468 531 566 573 586 590 635 641 777 778"),
  ...codes("192 193 194 198 242 279 285 286 289 319 497 516 517 519 701 999"),
]);

/** Those of them that less of the same might not have met. */
const scarce: ReadonlyMap<string, WeirError["lacks"]> = new Map([
  ["241", "memory"],
  ["173", "memory"],
  ["159", "time"],
]);

/**
 * Codes whose texts name tables, columns, functions, settings and grants. Those of all others may quote what the engine was given,
 * as VIOLATED_CONSTRAINT has every column of the row.
 */
const ofNames = new Set(codes("16 46 47 57 60 81 115 164 344 452"));

/** What a write says whose claim of a partition is not the one in force: see claims.ts. */
export const claimLost = "weir: this claim is not in force";

export function asWeirError(error: unknown, wrote: boolean): WeirError {
  if (error instanceof WeirError) return error;
  // Without the engine's error as a cause: what is thrown on purpose elsewhere has the same code.
  if (error instanceof ClickHouseError && error.message.includes(claimLost))
    return unavailable(new Error("the partition was claimed anew meanwhile"), wrote);
  const refused = error instanceof ClickHouseError && !passing.has(error.code) && !isOfLine(error);
  if (!refused) return unavailable(error, wrote);
  const damage = damageIn(error);
  if (damage !== undefined) return damaged(damage, named(error), { cause: error, outcomeUnknown: wrote });
  const text = ofNames.has(error.code) ? withoutStatement(error.message) : named(error);
  return new WeirError("store_refused", `the store refused a statement: ${text}`, {
    cause: error,
    details: { reason: `the engine refused it: ${named(error)}`, row: rowOf(error) },
    outcomeUnknown: wrote,
  });
}

/**
 * A server that went away while another read of it. The codes are those of any data that ends too soon or is odd: UNEXPECTED_END_OF_FILE,
 * ATTEMPT_TO_READ_AFTER_EOF, CANNOT_READ_ALL_DATA, UNKNOWN_PACKET_FROM_SERVER, UNEXPECTED_PACKET_FROM_SERVER.
 */
const isOfLine = ({ code, message }: ClickHouseError): boolean =>
  ["3", "32", "33", "100", "101", "102"].includes(code) &&
  /while (receiving packet from|reading from socket|reading from remote)/i.test(message);

/** From 0. The engine counts from 1; what comes behind it in the message may be anybody's. */
function rowOf({ message }: ClickHouseError): number | undefined {
  const row = Number(/ is violated at row (\d{1,9})\b/.exec(message)?.[1]);
  return row >= 1 ? row - 1 : undefined;
}

/** In the engine's word for it, which is no sentence of its own but has none of its texts either: VIOLATED_CONSTRAINT. */
function named({ type, code }: ClickHouseError): string {
  const name = type?.toLowerCase().replaceAll("_", " ");
  return `${name === undefined ? "" : `${name}, `}code ${code}`;
}

/** Where a name is not known the engine quotes the statement around it, with the values of its parameters. */
const withoutStatement = (text: string): string => text.split(/\.? \bin scope\b/i)[0] ?? "";

export function unavailable(cause: unknown, outcomeUnknown = false): WeirError {
  const reason = messageOf(cause);
  return new WeirError("store_unavailable", `the store can't answer: ${reason}`, {
    cause,
    canRetry: true,
    retryAfterMs: 1000,
    outcomeUnknown,
    lacks: cause instanceof ClickHouseError ? scarce.get(cause.code) : undefined,
  });
}

function codes(list: string): string[] {
  return list.split(" ");
}
