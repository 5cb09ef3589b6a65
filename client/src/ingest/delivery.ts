import { WeirError } from "../errors.ts";
import type { Http } from "../http.ts";
import { pause } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import type { IngestAnswer, TokenStatus } from "../wire.ts";
import { afterFailure } from "./decide.ts";
import type { Patience } from "./decide.ts";
import type { Outcome, Written } from "./event.ts";

export interface Parcel extends Written {
  readonly settle: (outcome: Outcome) => void;
}

/** How many requests more, or fewer, are in trouble, and why the last one is. */
export interface TroubleChange {
  readonly by: number;
  readonly why?: WeirError;
}

export interface DeliveryParts {
  readonly http: Http;
  readonly surroundings: Surroundings;
  readonly wait: "durable" | "counted";
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** Told when a request was not taken, and why, and when it has been or is given up, so that nobody begins others meanwhile. */
  readonly trouble: (change: TroubleChange) => void;
}

const ndjson = { "content-type": "application/x-ndjson" };
const countedWaitSeconds = 30;

/** Sends events until each has an outcome, as often as it takes, with the ids that they have. Never rejects. */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  async deliver(parcels: readonly Parcel[]): Promise<void> {
    if (parcels.length === 0) return;
    try {
      const left = await this.#insist(parcels.length, (taken) => this.#post(parcels, taken));
      if (left === "split") {
        const middle = Math.ceil(parcels.length / 2);
        await this.deliver(parcels.slice(0, middle));
        return await this.deliver(parcels.slice(middle));
      }
      if (left === "done") return;
      await this.deliver(left);
    } catch (error) {
      const problems = error instanceof Refused ? error.problems : undefined;
      for (const { settle } of parcels)
        settle(problems ? { status: "refused", problems } : { status: "failed", error: asError(error) });
    }
  }

  /** Does something until it succeeds, or there is no use in it any more; `taken` is told when it only waits from then on. */
  async #insist<T>(events: number, attempt: (taken: () => void) => Promise<T>): Promise<T | "split"> {
    let isInTrouble = false;
    const trouble = (why?: WeirError): void => {
      const isNow = why !== undefined;
      if (isNow || isInTrouble) this.#parts.trouble({ by: Number(isNow) - Number(isInTrouble), ...(why && { why }) });
      isInTrouble = isNow;
    };
    try {
      return await this.#repeat(events, () => attempt(() => trouble()), trouble);
    } finally {
      trouble();
    }
  }

  async #repeat<T>(events: number, attempt: () => Promise<T>, trouble: (why: WeirError) => void): Promise<T | "split"> {
    const { surroundings, patience, signal } = this.#parts;
    const startedAt = surroundings.elapsed();
    for (let failures = 1; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof WeirError)) throw error;
        const elapsedMs = surroundings.elapsed() - startedAt;
        const next = afterFailure(error, { events, failures, elapsedMs }, patience, surroundings.random());
        if (next.do === "split") return "split";
        if (next.do === "refuse") throw new Refused(next.problems);
        if (next.do === "fail") throw error;
        trouble(error);
        await pause(surroundings, next.afterMs, signal);
      }
    }
  }

  /** Sends once. Answers the events of which the answer did not say anything. */
  async #post(parcels: readonly Parcel[], taken: () => void): Promise<readonly Parcel[] | "done"> {
    const { http, signal, wait, patience } = this.#parts;
    const body = parcels.map(({ text }) => `${text}\n`).join("");
    const query = { partial: true };
    const answer = await http.json<IngestAnswer>({
      method: "POST",
      path: "/ingest",
      query,
      headers: ndjson,
      body,
      signal,
    });
    if (answer?.status !== "accepted") throw strange(http.address);
    const refused = new Map(answer.refused?.map(({ index, problems }) => [index, problems]));
    // Only the first hundred are named: what comes behind the last of these is not known, and is sent again.
    const known = (answer.refused_count ?? 0) > refused.size ? Math.max(-1, ...refused.keys()) + 1 : parcels.length;
    if (known === 0) throw strange(http.address);
    taken();
    for (const [index, problems] of refused) parcels[index]?.settle({ status: "refused", problems });
    const isDone = wait === "durable" || answer.count === 0 || (await this.#isCounted(answer.token));
    const outcome: Outcome = isDone
      ? { status: "accepted" }
      : { status: "failed", error: notCounted(http.address, patience.retryForMs) };
    for (const [index, { settle }] of parcels.slice(0, known).entries()) if (!refused.has(index)) settle(outcome);
    return known < parcels.length ? parcels.slice(known) : "done";
  }

  /**
   * Waits until the events of a token are counted; false when that has taken as long as a request may. It is asked at least once. A
   * token that the server does not know any more is none of an answer.
   */
  async #isCounted(token: string): Promise<boolean> {
    const { http, signal, surroundings, patience } = this.#parts;
    const query = { token, wait: `${countedWaitSeconds}s` };
    const timeoutMs = (countedWaitSeconds + 30) * 1000;
    const startedAt = surroundings.elapsed();
    for (;;) {
      const asked = this.#insist(1, () => http.json<TokenStatus>({ path: "/ingest/status", query, timeoutMs, signal }));
      const status = await asked;
      if (status === "split" || !status.durable) throw lost(http.address);
      if (status.counted) return true;
      if (surroundings.elapsed() - startedAt >= patience.retryForMs) return false;
    }
  }
}

/** It answers 200, and yet nothing can be said of the events. */
const strange = (address: string): WeirError =>
  new WeirError("strange_answer", `${address} does not say what became of the events; is it another server?`);

/** Makes the events be sent again. */
const lost = (address: string): WeirError =>
  new WeirError("no_answer", `${address} does not have the events that it acknowledged; are they in another folder?`);

const notCounted = (address: string, ms: number): WeirError =>
  new WeirError(
    "not_counted",
    `${address} has the events, and had not counted them after ${Math.max(ms / 1000, countedWaitSeconds)} s; it will, once it can: see its /status`,
  );

class Refused extends Error {
  readonly problems: Extract<Outcome, { status: "refused" }>["problems"];

  constructor(problems: Refused["problems"]) {
    super("refused");
    this.problems = problems;
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
