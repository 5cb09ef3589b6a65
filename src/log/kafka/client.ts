import { isIP } from "node:net";
import type { BaseOptions } from "@platformatic/kafka";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { leavesOf, whatIsWrong } from "./faults.ts";
import type { Fault } from "./faults.ts";

/** Where the brokers are and how to speak to them. */
export interface KafkaAddress {
  /** host:port of some of the brokers; the others are learned from them. */
  readonly brokers: readonly string[];
  /** TLS, trusting these authorities (PEM), or without any what Node trusts (`NODE_EXTRA_CA_CERTS` adds to it). */
  readonly tls?: { readonly ca?: Buffer };
  readonly sasl?: {
    readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
    readonly username: string;
    readonly password: string;
  };
}

/** One call may take so long; the client's own patience is made shorter, so that ours decides. */
export const requestMs = 4_000;
const connectMs = 2_000;

/** What every client is made with: it tries once, and whoever calls it decides about trying again. */
export function clientOptions(address: KafkaAddress): BaseOptions {
  return {
    clientId: "weir",
    bootstrapBrokers: [...address.brokers],
    retries: 0,
    retryDelay: 100,
    timeout: requestMs,
    requestTimeout: requestMs,
    connectTimeout: connectMs,
    autocreateTopics: false,
    ...tlsOptions(address),
    ...(address.sasl === undefined ? {} : { sasl: address.sasl }),
  };
}

/** Brokers behind a gateway are told apart by the name that is asked for; an address is no name. */
function tlsOptions({ tls, brokers }: KafkaAddress): Pick<BaseOptions, "tls" | "tlsServerName"> {
  if (tls === undefined) return {};
  const haveNames = brokers.every((broker) => isIP(broker.slice(0, broker.lastIndexOf(":"))) === 0);
  return { tls: { ...tls }, ...(haveNames ? { tlsServerName: true } : {}) };
}

/** How the brokers are named to people. Never with what belongs to logging in. */
export const nameOf = ({ brokers }: KafkaAddress): string => `Kafka at ${brokers.join(",")}`;

/** The call's outcome, or a rejection with `late()` when it takes longer; what comes of it later is dropped. */
export async function within<T>(clock: Clock, ms: number, call: Promise<T>, late: () => Error): Promise<T> {
  const over = new AbortController();
  call.catch(() => {});
  try {
    return await Promise.race([
      call,
      clock.sleep(ms, over.signal).then(() => {
        if (over.signal.aborted) return new Promise<T>(() => {});
        throw late();
      }),
    ]);
  } finally {
    over.abort();
  }
}

export interface Arriving<T> {
  readonly clock: Clock;
  readonly call: Promise<T>;
  /** How many bytes have come so far. */
  readonly arrived: () => number;
  readonly silentMs: number;
  readonly mostMs: number;
}

/** The call's outcome, or a rejection that `isLate` when nothing of it comes for `silentMs`, or it takes `mostMs` in all. */
export async function arriving<T>({ clock, call, arrived, silentMs, mostMs }: Arriving<T>): Promise<T> {
  const due = clock.monotonic() + mostMs;
  const outcome = call.then((value) => ({ value }));
  for (let before = arrived(); ; before = arrived()) {
    const found = await within(clock, silentMs, outcome, noAnswer).catch((error: unknown) => {
      if (!(error instanceof NoAnswer) || arrived() === before || clock.monotonic() >= due) throw error;
      return undefined;
    });
    if (found !== undefined) return found.value;
  }
}

const pauses = { minMs: 50, maxMs: 1_000 };

/** How long to wait behind so many failures in a row, ms. */
export const pauseAfter = (failures: number, { minMs, maxMs } = pauses): number =>
  Math.min(minMs * 2 ** Math.min(failures, 10), maxMs);

export interface Patience {
  readonly clock: Clock;
  /** What is tried, e.g. `asking for the ends of its partitions`. */
  readonly what: string;
  readonly address: KafkaAddress;
  /** Undefined: until it succeeds, or until waiting can't help. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
  /** Told of each failure that is waited out. */
  readonly waiting?: (fault: Fault) => void;
}

export interface Opening extends Pick<Patience, "clock" | "address" | "signal"> {
  readonly report: (level: "info" | "warn", message: string, facts?: object) => void;
}

/** For opening a topic: until it succeeds. What is waited out is told each time that it is something else. */
export function opening(topic: string, { clock, address, signal, report }: Opening): Patience {
  let said = "";
  const waiting = ({ reason }: Fault): void => {
    if (reason !== said) report("warn", `${nameOf(address)}: ${reason}; trying again`);
    said = reason;
  };
  return { clock, address, what: `opening the topic ${topic}`, waiting, ...(signal === undefined ? {} : { signal }) };
}

class NoAnswer extends Error {}

export const noAnswer = (): Error => new NoAnswer("no answer in time");

/** Whether there was no answer in time, by our patience or by the client's. */
export const isLate = (error: unknown): boolean =>
  error instanceof NoAnswer || leavesOf(error).some(({ code }) => code === "PLT_KFK_TIMEOUT");

/**
 * Repeats a call, with pauses, until it succeeds.
 * @throws WeirError `log_unavailable` when the time is over, `invalid_config` when waiting can't help, `stopping` at the signal.
 */
export async function patiently<T>(call: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, withinMs = Infinity, signal, what, address } = patience;
  const started = clock.monotonic();
  for (let attempt = 0; ; attempt++) {
    try {
      return await within(clock, requestMs * 2, call(), () => new Error("no answer"));
    } catch (error) {
      if (error instanceof WeirError) throw error;
      const fault = whatIsWrong(error);
      const said = `${nameOf(address)}: ${what}: ${fault.reason}`;
      if (fault.hopeless) throw new WeirError("invalid_config", said, { cause: error });
      if (clock.monotonic() - started >= withinMs)
        throw new WeirError("log_unavailable", said, { canRetry: true, retryAfterMs: 1000, cause: error });
      patience.waiting?.(fault);
      await clock.sleep(pauseAfter(attempt), signal);
      if (signal?.aborted === true) throw new WeirError("stopping", said, { canRetry: true });
    }
  }
}

/** Whether the broker answered so, anywhere in what the client threw. */
export const answered = (error: unknown, ...apiIds: readonly string[]): boolean =>
  leavesOf(error).some((leaf) => apiIds.includes(leaf.apiId ?? ""));
