export interface SenderOptions {
  /** `durable` (default): an event is accepted when it would survive a crash; `counted`: when it is in every active rule. */
  readonly wait?: "durable" | "counted";
  /** Events of a request; 1,000. The server takes 10,000. */
  readonly batchEventsMax?: number;
  /** Bytes of a request; 1 MiB. */
  readonly batchBytesMax?: number;
  /** How long an event waits for others to go with it, ms; 20. */
  readonly batchDelayMs?: number;
  /** Events that have no outcome yet; beyond it `send` waits; 10,000. */
  readonly queueEventsMax?: number;
  /** Their bytes; 16 MiB. */
  readonly queueBytesMax?: number;
  /** Requests at a time; 2. */
  readonly requestsMax?: number;
  /** How long a request is tried again before its events are given up, ms; for ever. With `counted`, also how long they may take to be counted, half a minute at least. */
  readonly retryForMs?: number;
  /** The first pause before a request is tried again, ms; 100. Each further one is twice as long, … */
  readonly retryFirstMs?: number;
  /** … up to this, ms; 10,000. A server that asks for more gets it. */
  readonly retryMostMs?: number;
  /** Gives up everything. */
  readonly signal?: AbortSignal;
}

const defaults = {
  wait: "durable",
  batchEventsMax: 1000,
  batchBytesMax: 2 ** 20,
  batchDelayMs: 20,
  queueEventsMax: 10_000,
  queueBytesMax: 16 * 2 ** 20,
  requestsMax: 2,
  retryForMs: Infinity,
  retryFirstMs: 100,
  retryMostMs: 10_000,
} as const;

/** What each number must be at least: with less nothing would ever be sent, or nothing else done. */
const least = {
  batchEventsMax: 1,
  batchBytesMax: 1,
  batchDelayMs: 0,
  queueEventsMax: 1,
  queueBytesMax: 1,
  requestsMax: 1,
  retryForMs: 0,
  retryFirstMs: 0,
  retryMostMs: 0,
} as const satisfies Partial<Record<keyof SenderOptions, number>>;

/** With the defaults for what is left out. @throws TypeError for what is no such number or wait; as programs without types give anything. */
export function checkedOptions(options: Omit<SenderOptions, "signal">): Required<Omit<SenderOptions, "signal">> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...defaults, ...given };
  for (const name of Object.keys(least) as (keyof typeof least)[]) {
    const value: unknown = all[name];
    if (typeof value === "number" && value >= least[name]) continue;
    throw new TypeError(`${name} must be a number of at least ${least[name]}, not ${String(value)}`);
  }
  const wait: unknown = all.wait;
  if (wait === "durable" || wait === "counted") return all;
  throw new TypeError(`wait must be "durable" or "counted", not ${String(wait)}`);
}
