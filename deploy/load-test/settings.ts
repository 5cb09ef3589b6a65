/** What a run does, and where. */
export interface Settings {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  /** Empty: nothing is written past Weir. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Events over HTTP, and as many again by a producer where there are brokers. */
  readonly events: number;
  /** Events of a request. */
  readonly batch: number;
  /** Requests under way at a time. */
  readonly senders: number;
  /** Events a second over HTTP; 0 is as fast as they are answered. */
  readonly rate: number;
  /** How long a server may take until it is ready. */
  readonly readyMs: number;
  /** How long counting may stand still before the rest is given up for lost. */
  readonly stallMs: number;
}

interface Variable {
  readonly default: string;
  readonly meaning: string;
}

/** Every variable that is read; another one that begins so is a mistake. */
export const variables: Readonly<Record<string, Variable>> = {
  LOAD_TEST_INGEST_URL: { default: "http://localhost:8000", meaning: "the ingestion API" },
  LOAD_TEST_QUERY_URL: { default: "http://localhost:8001", meaning: "the analytics API" },
  LOAD_TEST_KAFKA_BROKERS: { default: "", meaning: "host:port,… to write events past Weir; empty: over HTTP alone" },
  LOAD_TEST_KAFKA_TOPIC: { default: "events_raw", meaning: "the topic for that" },
  LOAD_TEST_EVENTS: { default: "100000", meaning: "events over HTTP, and as many by the producer" },
  LOAD_TEST_BATCH: { default: "1000", meaning: "events of a request, up to 10,000" },
  LOAD_TEST_SENDERS: { default: "4", meaning: "requests under way at a time" },
  LOAD_TEST_RATE: { default: "0", meaning: "events a second over HTTP; 0 is as fast as they are answered" },
  LOAD_TEST_READY_SECONDS: { default: "120", meaning: "how long Weir may take until it is ready" },
  LOAD_TEST_STALL_SECONDS: {
    default: "30",
    meaning: "how long counting may stand still before events are taken for lost",
  },
};

/** Reads the environment. @throws Error that lists every mistake. */
export function settingsOf(env: Readonly<Record<string, string | undefined>>): Settings {
  const mistakes = Object.keys(env)
    .filter((name) => name.startsWith("LOAD_TEST_") && variables[name] === undefined)
    .map((name) => `${name} is no setting; there are ${Object.keys(variables).join(", ")}`);
  const text = (name: string): string => {
    const given = env[name] ?? "";
    return given === "" ? variables[name]!.default : given;
  };
  const number = (name: string, min: number, max: number): number => {
    const value = /^\d+$/.test(text(name)) ? Number(text(name)) : Number.NaN;
    if (value >= min && value <= max) return value;
    mistakes.push(`${name} is ${JSON.stringify(text(name))}; expected a whole number from ${min} to ${max}`);
    return min;
  };
  const address = (name: string): string => {
    const isUrl = URL.canParse(text(name)) && /^https?:$/.test(new URL(text(name)).protocol);
    if (!isUrl) mistakes.push(`${name} is ${JSON.stringify(text(name))}; expected an address such as http://host:8000`);
    return text(name).replace(/\/+$/, "");
  };
  const brokers = text("LOAD_TEST_KAFKA_BROKERS")
    .split(",")
    .filter((broker) => broker !== "");
  for (const broker of brokers)
    if (!/^[\w.-]+:\d{1,5}$/.test(broker))
      mistakes.push(`LOAD_TEST_KAFKA_BROKERS has ${JSON.stringify(broker)}; expected host:port`);
  const settings = {
    ingestUrl: address("LOAD_TEST_INGEST_URL"),
    queryUrl: address("LOAD_TEST_QUERY_URL"),
    brokers,
    topic: text("LOAD_TEST_KAFKA_TOPIC"),
    events: number("LOAD_TEST_EVENTS", 1, 100_000_000),
    batch: number("LOAD_TEST_BATCH", 1, 10_000),
    senders: number("LOAD_TEST_SENDERS", 1, 256),
    rate: number("LOAD_TEST_RATE", 0, 10_000_000),
    readyMs: number("LOAD_TEST_READY_SECONDS", 1, 3600) * 1000,
    stallMs: number("LOAD_TEST_STALL_SECONDS", 1, 3600) * 1000,
  };
  if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
  return settings;
}
