import type { Surroundings } from "../../client/src/surroundings.ts";
import { afterOn } from "./package-client.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** What a server in memory is asked. */
export interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly body: string;
  readonly headers: Headers;
}

export type Answering = (asked: Asked) => Response | Promise<Response>;

/** Where a client of tests runs: on a clock that is advanced by hand, with a server that is a function. */
export function clientWorld(answer: Answering) {
  const clock = new SimulatedClock();
  let ids = 0;
  const surroundings: Surroundings = {
    fetch: async (url, { method = "GET", body, headers, signal }) => {
      const asked = {
        url: new URL(url),
        method,
        body: typeof body === "string" ? body : "",
        headers: new Headers(headers),
      };
      return Promise.race([answer(asked), untilAborted(signal)]);
    },
    openSocket: () => {
      throw new Error("there are no sockets here");
    },
    now: () => clock.now(),
    elapsed: () => clock.monotonic(),
    random: () => 1,
    after: afterOn(clock),
    newId: () => `id-${++ids}`,
  };
  return { clock, surroundings };
}

export const json = (body: object, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });

export const refusal = (status: number, code: string, retryAfterSeconds?: number): Response =>
  json(
    { error: { code, message: `it is ${code}`, details: null } },
    status,
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
}
