import type { ClickHouseError } from "@clickhouse/client";
import { WeirError } from "../../lib/errors.ts";

/** What can't be read any more, as far as the engine names it. */
export interface Damage {
  readonly part?: string;
  /** With its database. */
  readonly table?: string;
  /** Of the part's folder on the engine's disk. */
  readonly path?: string;
  /** The engine could not open it as it started, and goes on without what is in it. */
  readonly isSetAside?: true;
}

/**
 * Codes that say that a file is not as it was written: no statement, no event and no rule is at fault. Checksums and sizes that don't
 * fit, what can't be decompressed, files of a part that are missing or too many.
 */
const ofFiles = new Set("39 40 91 226 227 228 246 271".split(" "));

/**
 * Codes that say so only of what is read from a part: an end too soon, lengths that can't be, an unknown codec. Elsewhere they are of
 * what was sent. None of their texts quotes it: else a text in an event could say that a part is damaged.
 */
const ofParts = new Set("3 32 33 128 131 432".split(" "));

/** UNFINISHED: a change of stored rows, which the engine does part by part, has failed; it says with what. */
const unfinished = "341";

/** What of the engine's files is damaged, if it is that which a statement has failed of. */
export function damageIn({ code, message }: Pick<ClickHouseError, "code" | "message">): Damage | undefined {
  const inner = code === unfinished ? /reason: 'Code: (\d+)\. DB::Exception: /.exec(message)?.[1] : code;
  if (inner === undefined) return undefined;
  const damage = placeOf(message);
  return ofFiles.has(inner) || (ofParts.has(inner) && damage.part !== undefined) ? damage : undefined;
}

function placeOf(message: string): Damage {
  const [, path, table] = /\(while reading from part (.+?)\/? in table (\S+) /.exec(message) ?? [];
  if (path !== undefined && table !== undefined) return { part: nameIn(path), table, path };
  // Of what is read besides the rows, such as an index.
  const [, folder] = /While reading or decompressing (\/.+?)\/[^/ ]+ \(position/.exec(message) ?? [];
  return folder === undefined ? {} : { part: nameIn(folder), path: folder };
}

const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** It has the names of files, and nothing of what is in them. */
export function damaged(damage: Damage, named: string, facts: { cause: unknown; outcomeUnknown: boolean }): WeirError {
  const what = whatIs(damage);
  return new WeirError("store_damaged", `${what} (${named}); docs/operating.md says what to do about a damaged part`, {
    ...facts,
    canRetry: true,
    details: { table: damage.table ?? null, part: damage.part ?? null },
  });
}

export function whatIs({ part, table, isSetAside }: Damage): string {
  if (part === undefined) return "a file of the store is damaged and can't be read";
  const ofTable = table === undefined ? "" : ` of the table ${table}`;
  if (isSetAside)
    return `part ${part}${ofTable} is damaged: the engine could not open it, and the events in it are missing`;
  return `part ${part}${ofTable} is damaged in the store and can't be read`;
}
