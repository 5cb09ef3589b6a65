import { addresses, choice, count, duration, list, orOff, serverUrl, some, text, yesNo } from "./kind.ts";
import { option } from "./option.ts";

/** Where the parts are that are not embedded. */
export const largerOptions = {
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
      "consumer group of the processes that count the topic together; another one for each installation on a topic",
  }),
  kafkaSessionMs: option({
    name: "kafka-session",
    group: "Larger than one machine",
    kind: duration(1_000, 300_000),
    default: 10_000,
    description:
      "with --clickhouse-url and --mongo-url: a process that Kafka has not heard of for so long loses its partitions to the others of its group; within the brokers' bounds (usually 6s to 30m)",
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
    description: "speak TLS to the brokers",
  }),
  kafkaCa: option({
    name: "kafka-ca",
    group: "Larger than one machine",
    kind: orOff(text("file", "a file of certificates (PEM)")),
    default: null,
    description: "the authorities to trust for it, instead of those that Node knows",
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
    kind: orOff(some(serverUrl("http", "https"), "url,…")),
    default: null,
    description:
      "a ClickHouse server (26.3 or newer) as the store, instead of the embedded engine; or several that share the partitions, with --clickhouse-shards",
  }),
  clickhouseShards: option({
    name: "clickhouse-shards",
    group: "Larger than one machine",
    kind: orOff(text("name", "the name of a cluster: letters, digits, _ and -", /^[\w-]{1,64}$/)),
    default: null,
    description:
      "of several addresses: the cluster, in the servers' own configuration, that has them as its shards, by which all of them are read",
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
    description:
      "a cluster whose shards have replicas: tables are made on all of them, and writes wait for most of a shard's",
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
    secret: true,
    kind: orOff(addresses("mongodb", "mongodb+srv")),
    default: null,
    description: "MongoDB for the rules, in the database that the address names (else weir)",
  }),
  archive: option<"off" | "on">({
    name: "archive",
    group: "Larger than one machine",
    kind: choice("off", "on"),
    default: "off",
    description: "copy every event into MongoDB's raw_events as well; needs --kafka-brokers and --mongo-url",
  }),
} as const;
