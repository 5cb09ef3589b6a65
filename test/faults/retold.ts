import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { seeded } from "../support/random.ts";

/** Of the thousand events of a request: new ones, and three kinds of repeats. */
const [fresh, again] = [700, 100];
/** Between the times of one event and the next. */
const stepMs = 10;
const minuteMs = 60_000;
const types = ["click", "view", "purchase"];

interface Telling {
  readonly ids: number;
  /** How many the server remembers. */
  readonly remembered: number;
  readonly seed: number;
  readonly now: number;
}

/**
 * Events by number, which are sent in order and, in the same and in later requests, again: at once, soon, and when they have long been
 * forgotten. A request that gets no answer is sent once more.
 */
export class Retold {
  readonly from: number;
  readonly to: number;
  unanswered = 0;
  readonly #telling: Telling;
  readonly #requests: number;
  readonly #open: number[] = [];
  #next = 0;
  readonly #awaited: { readonly at: number; readonly reached: () => void }[] = [];

  constructor(telling: Telling) {
    this.#telling = telling;
    this.#requests = Math.ceil(telling.ids / fresh);
    this.from = Math.floor((telling.now - telling.ids * stepMs) / minuteMs) * minuteMs;
    this.to = this.from + telling.ids * stepMs;
  }

  event(number: number): object {
    return {
      event_id: `number-${number}`,
      user_id: `user-${number % 1000}`,
      event_type: types[number % types.length],
      timestamp: this.from + number * stepMs,
      payload: { number },
    };
  }

  /** What there must be in each minute, in order: the number of events, or the sum of their numbers. */
  expected(summed: boolean): Map<number, number> {
    const minutes = new Map<number, number>();
    for (let number = 0; number < this.#telling.ids; number++) {
      const at = this.from + number * stepMs;
      const minute = at - (at % minuteMs);
      minutes.set(minute, (minutes.get(minute) ?? 0) + (summed ? number : 1));
    }
    return minutes;
  }

  /** Resolves when so large a share of the requests has been begun. */
  reaches(share: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.push({ at: Math.floor(share * this.#requests), reached: resolve });
    return promise;
  }

  /** One of several senders: takes what is next until so large a share has been taken, or nobody answers any more. */
  async send(ingestUrl: string, share = 1): Promise<void> {
    for (let request = this.#take(share); request !== undefined; request = this.#take(share)) {
      if (await post(ingestUrl, JSON.stringify(this.#bodyOf(request)))) continue;
      this.unanswered += 1;
      this.#open.push(request);
      return;
    }
  }

  #take(share: number): number | undefined {
    const request = this.#open.pop() ?? (this.#next < share * this.#requests ? this.#next++ : undefined);
    for (const { at, reached } of this.#awaited) if (this.#next >= at) reached();
    return request;
  }

  /** The same, however often it is asked for. */
  #bodyOf(request: number): object[] {
    const { ids, remembered, seed } = this.#telling;
    const random = seeded(seed + request);
    const first = request * fresh;
    const numbers = run(first, Math.min(fresh, ids - first));
    const soon = first - random.int(Math.max(1, Math.min(first, remembered / 2)));
    const old = random.int(Math.max(1, first - 2 * remembered));
    const repeats = [
      ...run(first, Math.min(again, ids - first)),
      ...run(Math.max(0, soon - again), again),
      ...run(old, again),
    ];
    return [...numbers, ...repeats.filter((number) => number < first + numbers.length)].map((number) =>
      this.event(number),
    );
  }
}

const run = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

/** @returns whether it was answered; what can't be taken now is sent until it is. */
async function post(ingestUrl: string, body: string): Promise<boolean> {
  const headers = { "content-type": "application/json" };
  for (;;) {
    const response = await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body }).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (response === undefined || text === undefined) return false;
    if (response.ok) return true;
    assert.ok([408, 429, 503].includes(response.status), `${response.status} ${text}`);
    await pause(1000 * Number(response.headers.get("retry-after") ?? 1));
  }
}
