import { choice, count, duration, orOff, text, url } from "./kind.ts";
import { option } from "./option.ts";
import type { Option } from "./option.ts";
import { clientOptions } from "./options.ts";

/** Options of the commands that send events. */
export const senderOptions = {
  ingestUrl: option({
    name: "ingest-url",
    group: "Where",
    secret: true,
    kind: orOff(url("http", "https")),
    default: null,
    description: "the ingest port of the server; off is --ingest-port on this machine",
  }),
  json: clientOptions.json,
  wait: option<"durable" | "counted">({
    name: "wait",
    group: "Pace",
    kind: choice("durable", "counted"),
    default: "durable",
    description: "an event is done when it would survive a crash, or when it is in every active rule",
  }),
  retryForMs: option({
    name: "retry-for",
    group: "Pace",
    kind: duration(0, 7 * 86_400_000),
    default: 60_000,
    description: "how long a request is tried again that the server can't take",
  }),
} as const;

/** Options of `weir rejects` alone. */
export const rejectsOptions = {
  ingestUrl: senderOptions.ingestUrl,
  url: clientOptions.url,
} as const;

const alone = { ...choice("no", "yes"), alone: "yes" };

/** Options of `weir send` alone. */
export const sendOptions = {
  ...senderOptions,
  format: option<"auto" | "json" | "ndjson" | "csv" | "parquet">({
    name: "format",
    group: "Where",
    kind: choice("auto", "json", "ndjson", "csv", "parquet"),
    default: "auto",
    description: "what the files are; auto: by their names, and the standard input by how it begins",
  }),
  map: option({
    name: "map",
    group: "Where",
    joined: true,
    kind: orOff(text("field=column,…", "a mapping such as user_id=customer,timestamp=ts")),
    default: null,
    description: "which column is which field of an event; may be given several times",
  }),
  delimiter: option({
    name: "delimiter",
    group: "Where",
    kind: orOff(text("character", "one character", /^[^\n"]$/u)),
    default: null,
    description: "what stands between the cells of CSV; off is a comma, and a tab in a file called .tsv",
  }),
  source: option({
    name: "source",
    group: "Where",
    kind: orOff(text("name", "a name")),
    default: null,
    description: "goes into the ids of rows that have none, instead of the file's name; of one file",
  }),
  fromRow: option({
    name: "from-row",
    group: "Where",
    kind: count(1, Number.MAX_SAFE_INTEGER),
    default: 1,
    description: "passes over the rows before it, counted through all files",
  }),
  skipBad: option({
    name: "skip-bad",
    group: "Where",
    kind: alone,
    default: "no",
    description: "goes on behind a row that is refused, instead of stopping there",
  }),
  rejects: option({
    name: "rejects",
    group: "Where",
    kind: orOff(text("file", "a file")),
    default: null,
    description: "writes the rows that are refused into this file, with the reasons, and goes on",
  }),
  dryRun: option({
    name: "dry-run",
    group: "Where",
    kind: alone,
    default: "no",
    description: "sends nothing and prints the first 5 events as they would be sent",
  }),
} as const;

type ValueOf<O> = O extends Option<infer T> ? T : never;
export type SendOptions = { readonly [K in keyof typeof sendOptions]: ValueOf<(typeof sendOptions)[K]> };
export type RejectsOptions = { readonly [K in keyof typeof rejectsOptions]: ValueOf<(typeof rejectsOptions)[K]> };
