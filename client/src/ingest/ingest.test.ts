import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { event, make, store } from "../../../test/support/client-store.ts";
import { refusal } from "../../../test/support/client-world.ts";
import { settled } from "../../../test/support/simulated-clock.ts";
import { WeirError } from "../errors.ts";
import { ingestAll } from "./ingest.ts";
import type { Ingested } from "./ingest.ts";

test("a signal that outlives many senders keeps none of them", async () => {
  const { take } = store();
  const off = new AbortController();
  for (let turn = 0; turn < 3; turn++)
    await ingestAll(make(take, { signal: off.signal }).sender, [event("a")], off.signal);
  assert.equal(getEventListeners(off.signal, "abort").length, 0);
});

test("where the source of events fails, those before are sent, and then it is told", async () => {
  const { kept, take } = store();
  const { sender } = make(take);
  function* events() {
    yield event("a");
    throw new Error("the file is torn");
  }
  await assert.rejects(ingestAll(sender, events()), {
    code: "interrupted",
    message: "not all events were sent: the file is torn",
    cause: new Error("the file is torn"),
    details: { accepted: 1, refused: 0, failed: 0, problems: [] },
  });
  assert.deepEqual([kept, sender.counts.waiting], [[["a"]], 0]);
  await assert.rejects(sender.send(event("b")), { code: "closed" });
});

test("how another server has failed that events come from, or by what a caller ends it, is not how the sending has", async () => {
  const { take } = store();
  const away = new WeirError("no_answer", "nobody answers at the other one");
  function* events() {
    yield event("a");
    throw away;
  }
  const details = { accepted: 1, refused: 0, failed: 0, problems: [] };
  await assert.rejects(ingestAll(make(take).sender, events()), { code: "interrupted", cause: away, details });
  const signal = AbortSignal.abort(away);
  for (const source of [[event("a")], resting()])
    await assert.rejects(ingestAll(make(take, { signal }).sender, source, signal), {
      code: "interrupted",
      cause: away,
    });
});

/** Gives one event, and then nothing for ever; `left` says whether it was told to end. */
function resting() {
  const source = {
    left: false,
    given: 0,
    next: () => (source.given++ === 0 ? Promise.resolve({ value: event("a") }) : new Promise<never>(() => {})),
    return: () => ((source.left = true), new Promise<never>(() => {})),
    [Symbol.asyncIterator]: () => source,
  };
  return source;
}

test("a source of events that rests is not waited for once the signal aborts", async () => {
  const { kept, take } = store();
  const off = new AbortController();
  const { clock, sender } = make(take, { signal: off.signal });
  const source = resting();
  let told = "nothing";
  void ingestAll(sender, source, off.signal).catch((error: unknown) => (told = String(error)));
  await settled();
  await clock.advance(1000);
  assert.deepEqual([kept, told, source.left], [[["a"]], "nothing", false]);
  off.abort(new Error("enough"));
  await settled();
  assert.deepEqual([told, source.left], ["WeirError: not all events were sent: enough", true]);
  await assert.rejects(ingestAll(sender, resting(), off.signal), /enough/);
});

test("a source that aborts its own sending, and one that does not end well, end it like any other", async () => {
  const { kept, take } = store();
  const off = new AbortController();
  function* stops() {
    yield event("a");
    off.abort(new Error("enough"));
    yield event("b");
  }
  const { sender } = make(take, { signal: off.signal });
  await assert.rejects(ingestAll(sender, stops(), off.signal), /enough/);
  const broken: Iterator<ReturnType<typeof event>> & Iterable<ReturnType<typeof event>> = {
    next: () => ({ value: event("c") }),
    return: () => {
      throw new Error("broken");
    },
    [Symbol.iterator]: () => broken,
  };
  await assert.rejects(ingestAll(sender, broken, off.signal), /enough/);
  assert.deepEqual(kept.flat().includes("c"), false);
});

test("a source of events that rests is not waited for once events had to be given up", async () => {
  const { clock, sender } = make(() => refusal(503, "stopping", 1), { retryForMs: 5000 });
  const source = resting();
  let told: unknown;
  void ingestAll(sender, source).catch((error: unknown) => (told = error));
  for (let second = 0; second < 20; second++) await clock.advance(1000);
  assert.ok(told instanceof WeirError);
  assert.deepEqual([told.code, source.left], ["stopping", true]);
  assert.deepEqual((told.details as { failed: number }).failed, 1);
});

test("a source that can't be sent on is told to end, and waited for", async () => {
  const { take } = store();
  const { sender } = make(take);
  let isOver = false;
  async function* events() {
    try {
      yield event("a");
      await sender.close();
      yield event("b");
    } finally {
      await settled();
      isOver = true;
    }
  }
  await assert.rejects(ingestAll(sender, events()), { code: "closed" });
  assert.equal(isOver, true);
});

test("what is no object is refused alone, with its reason, and its neighbours are sent", async () => {
  const { kept, take } = store();
  const { sender } = make(take);
  const strangers = [null, undefined, "b", 7, ["c"]];
  const given = [event("a"), ...strangers, event("d")] as ReturnType<typeof event>[];
  const { accepted, refused, problems } = await ingestAll(sender, given);
  assert.deepEqual([accepted, refused, kept], [2, 5, [["a", "d"]]]);
  const why = { event_id: "", status: "refused", problems: [{ path: "", message: "is not an object" }] };
  assert.deepEqual(
    problems,
    strangers.map((_, at) => ({ index: at + 1, ...why })),
  );
});

test("all events of a list or stream are sent; what was refused is named by its place", async () => {
  const { take } = store();
  const { sender } = make(take, { batchEventsMax: 2 });
  async function* events() {
    for (const id of ["a", "bad", "c"]) yield event(id);
  }
  assert.deepEqual(await ingestAll(sender, events()), {
    accepted: 2,
    refused: 1,
    failed: 0,
    problems: [
      {
        index: 1,
        event_id: "bad",
        status: "refused",
        problems: [{ path: "event_id", message: "is bad", value: "bad" }],
      },
    ],
  });
});

test("when the first had to be given up, the rest is not tried, and the failure says what became of all", async () => {
  const { clock, sender } = make(() => refusal(503, "stopping", 1), { retryForMs: 5000, batchEventsMax: 1 });
  const ended = ingestAll(sender, [event("a"), event("b"), event("c")]).catch((error: unknown) => error);
  for (let second = 0; second < 20; second++) await clock.advance(1000);
  const error = await ended;
  assert.ok(error instanceof WeirError);
  assert.equal(error.code, "stopping");
  const { accepted, failed } = error.details as { accepted: number; failed: number };
  assert.deepEqual([accepted, failed], [0, 3]);
});

test("of events without ids all that were given up are named, however many were refused, so that they can be sent again", async () => {
  const off = new AbortController();
  const answers = [store(1500).take];
  const { sender } = make((asked) => answers.shift()?.(asked) ?? new Promise(() => {}), {
    ...{ batchEventsMax: 1500, queueEventsMax: 3000, requestsMax: 1, signal: off.signal },
  });
  function* events() {
    for (let index = 0; index < 1500; index++) yield event(`bad${index}`);
    for (let index = 0; index < 1500; index++) yield { user_id: "u", event_type: "click" };
    off.abort(new Error("enough"));
  }
  const error: unknown = await ingestAll(sender, events(), off.signal).catch((error: unknown) => error);
  assert.ok(error instanceof WeirError);
  assert.deepEqual([error.code, String(error.cause)], ["interrupted", "Error: enough"]);
  const { refused, failed, problems } = error.details as Ingested;
  assert.deepEqual([refused, failed, problems.length], [1500, 1500, 2500]);
  const given = problems.filter(({ status }) => status === "failed");
  assert.deepEqual([given[0]?.index, given.at(-1)?.index], [1500, 2999]);
  assert.equal(new Set(given.map(({ event_id }) => event_id)).size, 1500);
});
