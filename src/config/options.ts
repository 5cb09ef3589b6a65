import { choice, count, duration, list, orOff, origin, port, serverUrl, size, text, url, yesNo } from "./kind.ts";
import type { Kind } from "./kind.ts";

export interface Option<T> {
  /** As in `--data-dir`; the environment's name and the key in the file come from it. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly default: T;
  readonly description: string;
  readonly group: "Where" | "Limits" | "Pace" | "Live" | "Logs" | "Larger than one machine";
  /** Declared so that the name is known, but any value other than the default is refused. */
  readonly later?: true;
  /** May hold a password: shown without. `whole`: is one, and not shown at all. */
  readonly secret?: true | "whole";
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;
const day = 86_400_000;

export const roleNames = ["ingest", "processor", "query"] as const;
export type Role = (typeof roleNames)[number];

const option = <T>(declared: Option<T>): Option<T> => declared;

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
    kind: text("address", "an address or host name to listen on", /^[\w.:%-]+$/),
    default: "127.0.0.1",
    description: "the address to listen on; there is no log-in, so think before you open it (0.0.0.0 is every network)",
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
    description: "what this process does; anything but all of it needs --kafka-brokers",
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
    kind: size(1024, GiB),
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
      "recent event ids kept in memory to know repeats (about 40 bytes each); older ones are looked up in the store",
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
    default: 200_000,
    description: "events that are counted at a time",
  }),
  flushDelayMs: option({
    name: "flush-delay",
    group: "Pace",
    kind: duration(0, 60_000),
    default: 50,
    description: "how long a batch waits for more events",
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

  kafkaBrokers: option({
    name: "kafka-brokers",
    group: "Larger than one machine",
    kind: list(text("host:port", "host:port", /^[\w.-]+:\d{1,5}$/), "host:port,…"),
    default: [],
    description: "Apache Kafka as the log; some of its brokers, the others are learned from them",
  }),
  kafkaTopic: option({
    name: "kafka-topic",
    group: "Larger than one machine",
    kind: text("topic", "a topic name", /^[\w.-]{1,249}$/),
    default: "events_raw",
    description: "its topic; made when it is not there",
  }),
  kafkaPartitions: option({
    name: "kafka-partitions",
    group: "Larger than one machine",
    kind: orOff(count(1, 10_000)),
    default: null,
    description: "partitions that the topic must have; off is as many as it has, and 6 when it is made",
  }),
  kafkaReplication: option({
    name: "kafka-replication",
    group: "Larger than one machine",
    kind: orOff(count(1, 100)),
    default: null,
    description:
      "replicas that the topic must have at least; off is as many as it has, and 3 (or all brokers) when it is made",
  }),
  kafkaGroup: option({
    name: "kafka-group",
    group: "Larger than one machine",
    kind: text("group", "a name of up to 255 letters, digits and . _ -", /^[\w.-]{1,255}$/),
    default: "weir",
    description:
      "consumer group under which it is told to Kafka how far counting is; another one for each installation on a topic",
  }),
  kafkaCompression: option<"none" | "gzip" | "snappy" | "lz4" | "zstd">({
    name: "kafka-compression",
    group: "Larger than one machine",
    kind: choice("none", "gzip", "snappy", "lz4", "zstd"),
    default: "none",
    description: "how records are compressed that are written; all of these are read",
  }),
  kafkaGap: option<"stop" | "skip">({
    name: "kafka-gap",
    group: "Larger than one machine",
    kind: choice("stop", "skip"),
    default: "stop",
    description:
      "what to do when Kafka has deleted events that were not counted: end with the reason, or go on without them",
  }),
  kafkaTls: option<"off" | "on">({
    name: "kafka-tls",
    group: "Larger than one machine",
    kind: choice("off", "on"),
    default: "off",
    description: "speak TLS to the brokers; NODE_EXTRA_CA_CERTS adds authorities to those that are trusted",
  }),
  kafkaSasl: option<"off" | "plain" | "scram-sha-256" | "scram-sha-512">({
    name: "kafka-sasl",
    group: "Larger than one machine",
    kind: choice("off", "plain", "scram-sha-256", "scram-sha-512"),
    default: "off",
    description: "how to log in to the brokers",
  }),
  kafkaUser: option({
    name: "kafka-user",
    group: "Larger than one machine",
    kind: orOff(text("name", "a name")),
    default: null,
    description: "name to log in with",
  }),
  kafkaPassword: option({
    name: "kafka-password",
    group: "Larger than one machine",
    secret: "whole",
    kind: orOff(text("password", "a password")),
    default: null,
    description: "password to log in with; best given as WEIR_KAFKA_PASSWORD",
  }),
  clickhouseUrl: option({
    name: "clickhouse-url",
    group: "Larger than one machine",
    secret: true,
    kind: orOff(serverUrl("http", "https")),
    default: null,
    description: "a ClickHouse server (26.3 or newer) as the store, instead of the embedded engine",
  }),
  clickhouseUser: option({
    name: "clickhouse-user",
    group: "Larger than one machine",
    kind: text("name", "the name of a user"),
    default: "default",
    description: "its user",
  }),
  clickhousePassword: option({
    name: "clickhouse-password",
    group: "Larger than one machine",
    secret: "whole",
    kind: orOff(text("secret", "a password", /^[^]+$/)),
    default: null,
    description: "the user's password; better in the environment than on the command line, which others can see",
  }),
  clickhouseDatabase: option({
    name: "clickhouse-database",
    group: "Larger than one machine",
    kind: text("name", "the name of a database: a letter, then letters, digits and _", /^[A-Za-z_]\w{0,63}$/),
    default: "weir",
    description: "where Weir's tables are; one data folder per database",
  }),
  clickhouseCa: option({
    name: "clickhouse-ca",
    group: "Larger than one machine",
    kind: orOff(text("file", "a file of certificates (PEM)")),
    default: null,
    description: "the authorities to trust for https, instead of those that Node knows",
  }),
  clickhouseCluster: option({
    name: "clickhouse-cluster",
    group: "Larger than one machine",
    kind: orOff(text("name", "the name of a cluster: letters, digits, _ and -", /^[\w-]{1,64}$/)),
    default: null,
    description: "a cluster of one shard: tables are made on all of its replicas, and writes wait for most of them",
  }),
  migrate: option({
    name: "migrate",
    group: "Larger than one machine",
    kind: yesNo,
    default: true,
    description: "whether a start may make and change tables; if not, `weir migrate` has to be run before",
  }),
  mongoUrl: option({
    name: "mongo-url",
    group: "Larger than one machine",
    later: true,
    secret: true,
    kind: orOff(url("mongodb", "mongodb+srv")),
    default: null,
    description: "MongoDB for the rules",
  }),
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
