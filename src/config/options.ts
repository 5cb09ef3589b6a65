import { choice, count, duration, hostName, list, orOff, origin, port, size, text, url } from "./kind.ts";
import { largerOptions } from "./larger-options.ts";
import { option } from "./option.ts";
import type { Option } from "./option.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;
const day = 86_400_000;

export const roleNames = ["ingest", "processor", "query"] as const;
export type Role = (typeof roleNames)[number];

/**
 * Every option of `weir serve`, each declared here and nowhere else. Flags, help, environment, the file's keys, checks,
 * `weir config` and the table in docs/operating.md are made from it. Keys carry the unit: `Bytes`, `Ms`.
 */
export const options = {
  dataDir: option({
    name: "data-dir",
    group: "Where",
    kind: text("folder", "a folder"),
    default: "./weir-data",
    description: "where everything is kept; made when it is not there",
  }),
  host: option({
    name: "host",
    group: "Where",
    // With one colon it would be a port's.
    kind: text(
      "address",
      "an address or host name to listen on, without a port",
      /^(?:[\w.%-]+|[\w.%-]*:[\w.%-]*:[\w.:%-]*)$/,
    ),
    default: "127.0.0.1",
    description: "the address to listen on; there is no log-in, so think before you open it (0.0.0.0 is every network)",
  }),
  hostNames: option({
    name: "host-names",
    group: "Where",
    kind: list(hostName, "name,…"),
    default: [],
    description:
      "names by which clients may ask, besides addresses and localhost; none: on a loopback address no others, elsewhere any; * is any",
  }),
  ingestPort: option({
    name: "ingest-port",
    group: "Where",
    kind: port,
    default: 8000,
    description: "port of POST /ingest; 0 asks the system for one",
  }),
  queryPort: option({
    name: "query-port",
    group: "Where",
    kind: port,
    default: 8001,
    description: "port of rules, statistics and live updates; 0 asks the system for one",
  }),
  engineReadonlyPort: option({
    name: "engine-readonly-port",
    group: "Where",
    kind: orOff(port),
    default: null,
    description: "port on which other tools may read the engine by ClickHouse's HTTP protocol, read-only",
  }),
  roles: option({
    name: "roles",
    group: "Where",
    kind: list<Role>(choice(...roleNames), "role,…"),
    default: roleNames,
    description:
      "what this process does; apart from the others, ingest needs --kafka-brokers, processor and query --clickhouse-url and --mongo-url too",
  }),

  logBytesMax: option({
    name: "log-bytes-max",
    group: "Limits",
    kind: size(64 * MiB, 16 * TiB),
    default: 10 * GiB,
    description: "largest log of events that are accepted but not yet counted; ingest answers 503 beyond it",
  }),
  diskFreeMinBytes: option({
    name: "disk-free-min",
    group: "Limits",
    kind: size(0, TiB),
    default: 512 * MiB,
    description: "ingest answers 503 when less than this (at least 32 MiB) is free on the data folder's disk",
  }),
  eventsPerRequestMax: option({
    name: "events-per-request-max",
    group: "Limits",
    kind: count(1, 100_000),
    default: 10_000,
    description: "events in one request",
  }),
  bodyBytesMax: option({
    name: "body-bytes-max",
    group: "Limits",
    // SQLite takes no row of a thousand million bytes.
    kind: size(1024, 900 * MiB),
    default: 32 * MiB,
    description: "largest body of one request, decoded",
  }),
  inflightBytesMax: option({
    name: "inflight-bytes-max",
    group: "Limits",
    kind: size(MiB, 64 * GiB),
    default: 256 * MiB,
    description: "bytes of all requests that wait to become durable; 429 beyond it",
  }),
  futureMaxMs: option({
    name: "future-max",
    group: "Limits",
    kind: duration(0, 3650 * day),
    default: day,
    description: "how far ahead of the server's clock an event's time may lie",
  }),
  dedupeIdsMax: option({
    name: "dedupe-ids-max",
    group: "Limits",
    kind: count(1000, 200_000_000),
    default: 4_000_000,
    description:
      "recent event ids kept in memory to know repeats (about 40 bytes each), of all partitions of the process; older ones are looked up in the store",
  }),
  groupsMax: option({
    name: "max-groups",
    group: "Limits",
    kind: count(1, 10_000_000),
    default: 100_000,
    description: "groups of one rule; further ones share one group that is marked as overflow",
  }),
  engineMemoryMaxBytes: option({
    name: "engine-memory-max",
    group: "Limits",
    kind: size(512 * MiB, 16 * TiB),
    default: 4 * GiB,
    description: "memory that the engine may use",
  }),
  keepReplacedMs: option({
    name: "keep-replaced",
    group: "Limits",
    kind: duration(0, 3650 * day),
    default: day,
    description: "how long the windows of a replaced version of a rule can still be read, of the last five",
  }),

  batchEventsMax: option({
    name: "batch-events-max",
    group: "Pace",
    kind: count(1, 1_000_000),
    default: 150_000,
    description: "events that are counted at a time",
  }),
  flushDelayMs: option({
    name: "flush-delay",
    group: "Pace",
    kind: duration(0, 60_000),
    default: 50,
    description: "how long a batch waits for more events, where somebody waits for it",
  }),
  flushDelayMaxMs: option({
    name: "flush-delay-max",
    group: "Pace",
    kind: duration(0, 60_000),
    default: 500,
    description: "the same where nobody does; with other processes that is not known, and it is --flush-delay",
  }),
  fillSharePercent: option({
    name: "fill-share",
    group: "Pace",
    kind: count(1, 100),
    default: 50,
    description: "percent of the time that the filling of rules from history may have while events come",
  }),

  liveClientsMax: option({
    name: "live-clients-max",
    group: "Live",
    kind: count(0, 1_000_000),
    default: 20_000,
    description: "live connections at a time",
  }),
  origins: option({
    name: "origins",
    group: "Live",
    kind: list(origin, "origin,…"),
    default: [],
    description: "origins of web pages that may connect besides the server's own",
  }),

  logLevel: option({
    name: "log-level",
    group: "Logs",
    kind: { ...choice("trace", "debug", "info", "warn", "error", "fatal", "silent"), placeholder: "level" },
    default: "info",
    description: "least important kind of line to write",
  }),
  logFormat: option<"auto" | "json" | "pretty">({
    name: "log-format",
    group: "Logs",
    kind: choice("auto", "json", "pretty"),
    default: "auto",
    description: "auto: pretty on a terminal, else JSON, one object a line",
  }),

  ...largerOptions,
} as const;

export type OptionKey = keyof typeof options;
type ValueOf<O> = O extends Option<infer T> ? T : never;

/** Everything that can be set, checked. Sizes in bytes, durations in milliseconds. */
export type Config = { readonly [K in OptionKey]: ValueOf<(typeof options)[K]> };

/** Options of `weir demo` alone; on the command line only. */
export const demoOptions = {
  speed: option({
    name: "speed",
    group: "Pace",
    kind: count(0, 10_000_000),
    default: 2000,
    description: "events per second to replay; 0 is as fast as it goes",
  }),
  events: option({
    name: "events",
    group: "Pace",
    kind: orOff(count(1, 1_000_000_000)),
    default: null,
    description: "end after so many events and print the totals",
  }),
} as const;

export type DemoOptions = { readonly [K in keyof typeof demoOptions]: ValueOf<(typeof demoOptions)[K]> };

/** Options of `weir verify` and `weir rebuild` alone. */
export const upkeepOptions = {
  rule: option({
    name: "rule",
    group: "Where",
    kind: orOff(text("id", "the id of a rule")),
    default: null,
    description: "only this rule; off is all of them",
  }),
  url: option({
    name: "url",
    group: "Where",
    secret: true,
    kind: orOff(url("http", "https")),
    default: null,
    description: "the query port of a server that runs; off starts one on the data folder for it",
  }),
} as const;

export type UpkeepOptions = { readonly [K in keyof typeof upkeepOptions]: ValueOf<(typeof upkeepOptions)[K]> };

/** Options of `weir rules`, `weir stats` and `weir tail`: those of the commands that speak to a server that runs. */
export const clientOptions = {
  url: option({
    name: "url",
    group: "Where",
    secret: true,
    kind: orOff(url("http", "https")),
    default: null,
    description: "the query port of the server; off is --query-port on this machine",
  }),
  json: option({
    name: "json",
    group: "Where",
    kind: { ...choice("auto", "yes"), alone: "yes" },
    default: "auto",
    description: "JSON, one object a line; auto: where no terminal reads it",
  }),
  from: option({
    name: "from",
    group: "Where",
    kind: orOff(text("time", "a time as in RFC 3339, or milliseconds since 1970")),
    default: null,
    description: "of stats and tail: the first window; off is a day ago, and for tail the newest 60 windows",
  }),
  to: option({
    name: "to",
    group: "Where",
    kind: orOff(text("time", "a time as in RFC 3339, or milliseconds since 1970")),
    default: null,
    description: "of stats: windows that begin before it; off is now",
  }),
  step: option({
    name: "step",
    group: "Where",
    kind: orOff(text("length", "a length such as 1h")),
    default: null,
    description: "of stats: windows of this length instead of the rule's own",
  }),
  limit: option({
    name: "limit",
    group: "Where",
    kind: orOff(count(1, 1_000_000_000)),
    default: null,
    description: "of stats: rows at most; off is all",
  }),
  intervalMs: option({
    name: "interval",
    group: "Where",
    kind: duration(50, 60_000),
    default: 250,
    description: "of tail: between two changes at least",
  }),
} as const;

export type ClientOptions = { readonly [K in keyof typeof clientOptions]: ValueOf<(typeof clientOptions)[K]> };

export const optionKeys = Object.keys(options) as readonly OptionKey[];
export const environmentName = (name: string): string => `WEIR_${name.toUpperCase().replaceAll("-", "_")}`;
