/** As much of a WebSocket as the client uses; browsers, Node, Bun and Deno all have one. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** What the client takes from where it runs. Tests give their own. */
export interface Surroundings {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly openSocket: (url: string) => Socket;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** A clock that nobody sets, ms: for how long something takes. */
  readonly elapsed: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Runs something once after `ms`, never for Infinity; the answer keeps it from being run. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** An id that nobody else has. */
  readonly newId: () => string;
}

/** What platforms wait at the most: a timer that is set for longer runs at once. */
const timerMsMax = 2 ** 31 - 1;

/** Those of the platform. */
export const platform: Surroundings = {
  fetch: (url, init) => fetch(url, init),
  openSocket: (url) => new WebSocket(url) as unknown as Socket,
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    if (ms === Infinity) return () => {};
    let timer: ReturnType<typeof setTimeout>;
    const wait = (left: number): void => {
      timer = left > timerMsMax ? setTimeout(() => wait(left - timerMsMax), timerMsMax) : setTimeout(run, left);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
  newId: () => newId(),
};

/** As `crypto.randomUUID`, which browsers keep from pages without TLS. */
function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts before. */
export function pause({ after }: Pick<Surroundings, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(reasonOf(signal));
    const aborted = (): void => (cancel(), reject(reasonOf(signal)));
    const cancel = after(ms, () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** What a signal was aborted with, as an error. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
