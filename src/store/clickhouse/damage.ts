import type { ClickHouseError } from "@clickhouse/client";
import { type ErrorFacts, WeirError } from "../../lib/errors.ts";

/** Where the events are of a part that the engine has set aside. `unknown`: that can't be told from here. */
export type Whereabouts = "elsewhere" | "missing" | "unknown";

/** What can't be read any more, as far as the engine names it. */
export interface Damage {
  readonly part?: string;
  /** With its database. */
  readonly table?: string;
  /** Of the part's folder on the engine's disk. */
  readonly path?: string;
  /** The engine could not open it as it started, and goes on without it; given is where its events are. */
  readonly setAside?: Whereabouts;
}

/**
 * By the engine's code and its word for it, what says that a file is not as it was written: no statement, no event and no rule is at
 * fault. Checksums and sizes that don't fit, what can't be decompressed, files of a part that are missing or too many.
 */
const ofFiles: Readonly<Record<string, string>> = {
  39: "TOO_LARGE_SIZE_COMPRESSED",
  40: "CHECKSUM_DOESNT_MATCH",
  91: "SIZES_OF_MARKS_FILES_ARE_INCONSISTENT",
  226: "NO_FILE_IN_DATA_PART",
  227: "UNEXPECTED_FILE_IN_DATA_PART",
  228: "BAD_SIZE_OF_FILE_IN_DATA_PART",
  246: "CORRUPTED_DATA",
  271: "CANNOT_DECOMPRESS",
};

/**
 * What says so only of what is read from a part: an end too soon, lengths that can't be, an unknown codec. Elsewhere it is of what
 * was sent. None of these texts quotes it: else a text in an event could say that a part is damaged.
 */
const ofParts: Readonly<Record<string, string>> = {
  3: "UNEXPECTED_END_OF_FILE",
  32: "ATTEMPT_TO_READ_AFTER_EOF",
  33: "CANNOT_READ_ALL_DATA",
  128: "TOO_LARGE_ARRAY_SIZE",
  131: "TOO_LARGE_STRING_SIZE",
  432: "UNKNOWN_CODEC",
};

/** A change of stored rows, which the engine does part by part, has failed. The client's word is then that of why, the code is not. */
const unfinished = "341";

type EngineError = Pick<ClickHouseError, "code" | "message" | "type">;

/** What of the engine's files is damaged, if it is that which a statement has failed of. */
export function damageIn(error: EngineError): Damage | undefined {
  const damage = placeOf(error.message);
  return isOf(ofFiles, error) || (isOf(ofParts, error) && damage.part !== undefined) ? damage : undefined;
}

const isOf = (kinds: Readonly<Record<string, string>>, { code, type }: EngineError): boolean =>
  code === unfinished ? Object.values(kinds).includes(type ?? "") : kinds[code] !== undefined;

function placeOf(message: string): Damage {
  const [, path, table] = /\(while reading from part (.+?)\/? in table (\S+) /.exec(message) ?? [];
  if (path !== undefined && table !== undefined) return { part: nameIn(path), table, path };
  // Of what is read besides the rows, such as an index.
  const [, folder] = /While reading or decompressing (\/.+?)\/[^/ ]+ \(position/.exec(message) ?? [];
  return folder === undefined ? {} : { part: nameIn(folder), path: folder };
}

const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** What fails of damaged files, with what is known of these. */
export class StoreDamaged extends WeirError {
  readonly damage: Damage;

  constructor(damage: Damage, message: string, facts: ErrorFacts) {
    super("store_damaged", message, facts);
    this.damage = damage;
  }
}

/** It has the names of files, and nothing of what is in them. */
export function damaged(damage: Damage, named: string, facts: { cause: unknown; outcomeUnknown: boolean }): WeirError {
  const message = `${whatIs(damage)} (${named}); docs/operating.md says what to do about a damaged part`;
  const details = { table: damage.table ?? null, part: damage.part ?? null };
  return new StoreDamaged(damage, message, { ...facts, canRetry: true, details });
}

const ofSetAside: Readonly<Record<Whereabouts, string>> = {
  elsewhere: "is damaged, and set aside by the engine; what was in it is in other parts, or still in the log",
  missing: "is damaged: the engine could not open it, and the events in it are missing",
  unknown: "is damaged: the engine could not open it, and whether what was in it is elsewhere can't be told from here",
};

export function whatIs({ part, table, setAside }: Damage): string {
  if (part === undefined) return "a file of the store is damaged and can't be read";
  const ofTable = table === undefined ? "" : ` of the table ${table}`;
  const what = setAside === undefined ? "is damaged in the store and can't be read" : ofSetAside[setAside];
  return `part ${part}${ofTable} ${what}`;
}
