import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../errors.ts";
import { afterFailure, batchSize, sendIn } from "./decide.ts";
import type { Next } from "./decide.ts";

const patience = { firstMs: 100, mostMs: 10_000, retryForMs: 60_000 };
const attempt = { events: 10, failures: 1, elapsedMs: 0 };
const refused = (status: number, code: WeirError["code"], retryAfterMs?: number): WeirError =>
  new WeirError(code, "why", { status, ...(retryAfterMs !== undefined && { retryAfterMs }) });

const failures: readonly [
  what: string,
  error: WeirError,
  attempt: Partial<typeof attempt>,
  random: number,
  next: Next,
][] = [
  ["nobody answers", new WeirError("no_answer", "why"), {}, 1, { do: "retry", afterMs: 100 }],
  ["the fourth time", new WeirError("no_answer", "why"), { failures: 4 }, 1, { do: "retry", afterMs: 800 }],
  ["the hundredth", new WeirError("no_answer", "why"), { failures: 100 }, 0, { do: "retry", afterMs: 5000 }],
  ["too much to do", refused(429, "overloaded", 3000), {}, 1, { do: "retry", afterMs: 3000 }],
  ["a long time to make room", refused(503, "log_full", 30_000), {}, 1, { do: "retry", afterMs: 30_000 }],
  ["something went wrong inside", refused(500, "internal"), {}, 0, { do: "retry", afterMs: 50 }],
  ["a page of a proxy", refused(502, "strange_answer"), {}, 0, { do: "retry", afterMs: 50 }],
  ["it would take too long", refused(503, "log_full", 30_000), { elapsedMs: 31_000 }, 1, { do: "fail" }],
  ["too large", refused(413, "body_too_large"), {}, 0, { do: "split" }],
  ["too large for a proxy", refused(413, "strange_answer"), {}, 0, { do: "split" }],
  ["not JSON", refused(400, "invalid_json"), {}, 0, { do: "split" }],
  [
    "one that is too large",
    refused(413, "body_too_large"),
    { events: 1 },
    0,
    { do: "refuse", problems: [{ path: "", message: "why" }] },
  ],
  ["another server", refused(404, "strange_answer"), {}, 0, { do: "fail" }],
  ["a wrong address", refused(404, "unknown_route"), {}, 0, { do: "fail" }],
];

for (const [what, error, more, random, next] of failures)
  test(`after a failure: ${what}`, () =>
    assert.deepEqual(afterFailure(error, { ...attempt, ...more }, patience, random), next));

test("a request goes when it is full, when its first event has waited, or when somebody waits for it", () => {
  const bounds = { batchEventsMax: 10, batchBytesMax: 1000, batchDelayMs: 20 };
  const gathered = { events: 3, bytes: 100, waitedMs: 5, isUrgent: false };
  assert.equal(sendIn({ ...gathered, events: 0 }, bounds), undefined);
  assert.equal(sendIn(gathered, bounds), 15);
  assert.equal(sendIn({ ...gathered, waitedMs: 21 }, bounds), 0);
  assert.equal(sendIn({ ...gathered, events: 10 }, bounds), 0);
  assert.equal(sendIn({ ...gathered, bytes: 1000 }, bounds), 0);
  assert.equal(sendIn({ ...gathered, isUrgent: true }, bounds), 0);
});

test("a request has as many events as fit, and one at least", () => {
  const bounds = { batchEventsMax: 3, batchBytesMax: 100, batchDelayMs: 0 };
  const of = (...sizes: number[]): number =>
    batchSize(
      sizes.map((bytes) => ({ bytes })),
      bounds,
    );
  assert.deepEqual([of(), of(1), of(60, 40), of(60, 41), of(500, 1), of(1, 1, 1, 1)], [0, 1, 2, 1, 1, 3]);
});
