/** The parts of `src/` from the ground up, and what each may import besides itself. STYLE's directions as data. */
const pure = ["lib", "event", "rule", "rollup"];
const ports = ["log", "store", "progress", "erasure"];
const services = ["ingest", "processor", "query", "live", "rulebook", "eraser"];

export const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  event: ["lib"],
  rule: ["lib", "event"],
  rollup: ["lib", "event", "rule"],
  protocol: pure,
  config: ["lib"],
  observe: ["lib"],
  log: pure,
  store: pure,
  progress: pure,
  erasure: pure,
  "log/embedded": [...pure, "log"],
  "log/kafka": [...pure, "log", "progress"],
  "store/clickhouse": [...pure, "store"],
  "store/clickhouse/engine": ["lib"],
  "rule/sqlite": ["lib", "event", "rule"],
  "rule/mongo": ["lib", "event", "rule", "mongo"],
  mongo: ["lib"],
  archive: [...pure, "log"],
  "archive/mongo": ["lib", "event", "archive", "mongo"],
  "erasure/sqlite": ["lib", "erasure"],
  "erasure/mongo": ["lib", "erasure", "mongo"],
  ...Object.fromEntries(services.map((service) => [service, [...pure, ...ports, "protocol"]])),
  http: [...pure, ...ports, ...services, "protocol"],
  rejects: ["lib", "config", "commands"],
  demo: ["lib", "config", "protocol", "rule"],
  upkeep: ["lib", "commands"],
  commands: ["lib", "config"],
  send: ["lib", "config", "commands"],
  load: ["lib", "config", "commands", "send"],
  // Puts services together from ports, without naming an adapter.
  assembly: [...pure, ...ports, ...services, "archive", "protocol", "config", "observe", "http"],
  // Chooses the adapters; `main` starts it.
  "app.ts": ["*"],
  app: ["*"],
  "main.ts": ["lib", "config", "observe", "app.ts", "app", "demo", "rejects", "upkeep", "commands", "send", "load"],
};

/** Parts that speak to a server as anybody would, by `client/`. */
export const clientReaders: readonly string[] = ["commands", "rejects", "upkeep", "send", "load"];

/** What is in the browser's code besides the client. */
export const pagePackages: readonly string[] = ["react", "react-dom", "uplot"];

/** Adapters that the store itself puts together; everything else with a vendor in it is named in `app.ts` alone. */
export const units = Object.keys(mayImport).sort((a, b) => b.length - a.length);

/** Where each package may be imported in `src/` outside tests. One that is not listed may be imported nowhere. */
export const vendorHomes: Readonly<Record<string, readonly string[]>> = {
  fastify: ["src/http/"],
  "@fastify/swagger": ["src/http/"],
  "@fastify/swagger-ui": ["src/http/"],
  ws: ["src/http/"],
  "@clickhouse/client": ["src/store/clickhouse/"],
  "@platformatic/kafka": ["src/log/kafka/"],
  chdb: ["src/store/clickhouse/engine/"],
  pino: ["src/observe/"],
  "pino-pretty": ["src/observe/"],
  "prom-client": ["src/observe/"],
  "@marcbachmann/cel-js": ["src/rule/cel/"],
  commander: ["src/config/"],
  "csv-parse": ["src/send/"],
  mongodb: ["src/mongo/", "src/rule/mongo/", "src/archive/mongo/", "src/erasure/mongo/"],
  typebox: ["src/protocol/"],
  "node:sqlite": ["src/log/embedded/", "src/rule/sqlite/", "src/erasure/sqlite/", "src/lib/datadir.ts"],
};

/** Files that own the process they run in, besides main.ts and config/. */
export const processOwners = [
  /^src\/main\.ts$/,
  /^src\/config\//,
  /\.worker\.ts$/,
  /^src\/store\/clickhouse\/engine\/(?:child|read-flights|read-parquet)\.ts$/,
];

/** Where HTTP's numbers may be: http/, and the engine's child, which answers another protocol. */
export const httpSpeakers = [/^src\/http\//, /^src\/store\/clickhouse\/engine\//];

/** Where the system's time, timers and chance are taken, to be handed to everything else. */
export const clockOwners = [
  /^src\/lib\/clock\.ts$/,
  /^src\/main\.ts$/,
  // Gives the processor its randomness.
  /^src\/assembly\/processor\.ts$/,
  // A thread of its own, where nobody hands it a clock.
  /^src\/log\/embedded\/writer\.worker\.ts$/,
];

/** What the oracle runs besides itself. */
export const oracleHelpers: readonly string[] = ["test/support/random.ts"];
