import assert from "node:assert/strict";
import { test } from "node:test";
import { event, ids, make, store } from "../../../test/support/client-store.ts";
import { json, refusal } from "../../../test/support/client-world.ts";
import type { Answering } from "../../../test/support/client-world.ts";
import { settled } from "../../../test/support/simulated-clock.ts";
import type { WeirError } from "../errors.ts";

/** As programs name what they send; checked by `npm run types`. */
interface Click {
  readonly button: string;
}

test("events that come together go together, after the delay; what has no id and no time gets them", async () => {
  const { kept, take } = store();
  const bodies: string[] = [];
  const { clock, sender } = make((asked) => (bodies.push(asked.body), take(asked)), { batchDelayMs: 20 });
  const first = await sender.send(event("a"));
  await clock.advance(10);
  const click: Click = { button: "buy" };
  const second = await sender.send({ user_id: "u", event_type: "click", payload: click });
  assert.deepEqual(kept, []);
  await clock.advance(10);
  assert.deepEqual([await first.outcome, await second.outcome], [{ status: "accepted" }, { status: "accepted" }]);
  assert.deepEqual(kept, [["a", "id-1"]]);
  assert.equal((JSON.parse(bodies[0]!.split("\n")[1]!) as { timestamp: number }).timestamp, clock.now() - 10);
});

test("each event has its own outcome, also when more are refused than the answer names", async () => {
  const { kept, take } = store(2);
  const { sender } = make(take);
  const given = ["a", "bad1", "b", "bad2", "c", "bad3", "d"];
  const sent = await Promise.all(given.map((id) => sender.send(event(id))));
  await sender.flush();
  const outcomes = await Promise.all(sent.map(({ outcome }) => outcome));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    given.map((id) => (id.startsWith("bad") ? "refused" : "accepted")),
  );
  assert.deepEqual(outcomes[5], {
    status: "refused",
    problems: [{ path: "event_id", message: "is bad", value: "bad3" }],
  });
  assert.deepEqual(kept, [given, ["c", "bad3", "d"]]);
  assert.deepEqual(sender.counts, { accepted: 4, refused: 3, failed: 0, waiting: 0 });
});

test("what can't be written is refused alone", async () => {
  const { take } = store();
  const { sender } = make(take);
  const { outcome } = await sender.send({ ...event("a"), payload: { big: 1n } });
  assert.match(JSON.stringify(await outcome), /refused.*can't be written as JSON.*BigInt/);
});

test("a number that JSON does not have is refused alone, and told by its place; a null is a value", async () => {
  const { kept, take } = store();
  const { sender } = make(take);
  const refused = async (payload: Record<string, unknown>, more: object = {}): Promise<unknown> => {
    const { outcome } = await sender.send({ ...event("a"), payload, ...more });
    await sender.flush();
    const became = await outcome;
    return became.status === "refused" && became.problems;
  };
  const why = (path: string, what: string) => [{ path, message: `is ${what}, which JSON does not have` }];
  assert.deepEqual(await refused({ price: NaN }), why("payload.price", "NaN"));
  assert.deepEqual(await refused({ of: null, all: [1, { at: -Infinity }] }), why("payload.all[1].at", "-Infinity"));
  assert.deepEqual(await refused({}, { timestamp: NaN }), why("timestamp", "NaN"));
  assert.deepEqual(await refused({}, { timestamp: new Date(NaN) }), why("timestamp", "Invalid Date"));
  assert.deepEqual(await refused({ at: new Date(NaN) }), why("payload.at", "Invalid Date"));
  assert.deepEqual(await refused({ all: [[new Number(NaN)]] }), why("payload.all[0][0]", "NaN"));
  assert.deepEqual(await refused({ made: { toJSON: () => ({ of: NaN }) } }), why("payload.made.of", "NaN"));
  const { outcome } = await sender.send({ ...event("b"), payload: { of: null, text: "NaN", at: new Date(0) } });
  await sender.flush();
  assert.deepEqual([await outcome, kept], [{ status: "accepted" }, [["b"]]]);
});

test("a request that is too large is halved until the one that is too large is left", async () => {
  const { kept, take } = store();
  const { sender } = make((asked) => (asked.body.includes("huge") ? refusal(413, "body_too_large") : take(asked)));
  const sent = await Promise.all(["a", "b", "huge", "c"].map((id) => sender.send(event(id))));
  await sender.flush();
  const outcomes = await Promise.all(sent.map(async ({ outcome }) => (await outcome).status));
  assert.deepEqual(outcomes, ["accepted", "accepted", "refused", "accepted"]);
  assert.deepEqual(kept, [["a", "b"], ["c"]]);
});

test("it waits as long as the server asks for, begins nothing meanwhile, and sends the same ids again", async () => {
  const { kept, take } = store();
  const answers = [refusal(503, "log_full", 7), refusal(429, "overloaded", 1)];
  const asked: string[][] = [];
  const { clock, sender } = make((one) => (asked.push(ids(one.body)), answers.shift() ?? take(one)));
  const { outcome } = await sender.send(event("a"));
  await clock.advance(25);
  await sender.send(event("b"));
  await clock.advance(6900);
  assert.deepEqual([asked, sender.trouble?.code], [[["a"]], "log_full"]);
  await clock.advance(100);
  assert.deepEqual([asked, sender.trouble?.code], [[["a"], ["a"]], "overloaded"]);
  await clock.advance(1100);
  assert.deepEqual([await outcome, sender.trouble], [{ status: "accepted" }, undefined]);
  assert.deepEqual(kept, [["a"], ["b"]]);
});

test("who sends waits for a place; who does not wait is refused, and nothing is dropped", async () => {
  const { kept, take } = store();
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const bounds = { queueEventsMax: 3, batchEventsMax: 2, batchDelayMs: 0 };
  const { clock, sender } = make(async (asked) => (await gate, take(asked)), bounds);
  const calls = Array.from({ length: 7 }, (_, index) => sender.send(event(`e${index}`)));
  const states = calls.map((call) =>
    call.then(
      () => "in",
      (error: WeirError) => error.code,
    ),
  );
  await assert.rejects(calls[6]!, /3 events wait already.*await send/);
  assert.equal(await Promise.race([states[3], settled().then(() => "waits")]), "waits");
  open();
  await clock.advance(1);
  assert.deepEqual(await Promise.all(states), ["in", "in", "in", "in", "in", "in", "queue_full"]);
  await sender.flush();
  assert.deepEqual(kept.flat(), ["e0", "e1", "e2", "e3", "e4", "e5"]);
});

test("what calls bring that wait for a place is bounded in bytes, too, and counted anew when some have gone", async () => {
  const { kept, take } = store();
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const bounds = { queueBytesMax: 2500, batchDelayMs: 0 };
  const { clock, sender } = make(async (asked) => (await gate, take(asked)), bounds);
  const large = (id: string) => ({ ...event(id), payload: { text: "x".repeat(1000) } });
  for (const id of ["a", "b"]) await sender.send(large(id));
  const off = new AbortController();
  const waiting = [sender.send(large("c")), sender.send(large("off"), { signal: off.signal })];
  const full = { code: "queue_full", message: /events of 2500 bytes wait already.*await send/ };
  await assert.rejects(sender.send(large("d")), full);
  off.abort(new Error("no more"));
  await assert.rejects(waiting[1]!, /no more/);
  const entering = sender.send(large("e"));
  await assert.rejects(sender.send(large("f")), full);
  open();
  await clock.advance(1);
  await Promise.all([waiting[0], entering]);
  await sender.close();
  assert.deepEqual(kept.flat(), ["a", "b", "c", "e"]);
});

test("a call that waits for a place can be called off, and those behind it come in", async () => {
  const { kept, take } = store();
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const { clock, sender } = make(async (asked) => (await gate, take(asked)), { queueEventsMax: 2, batchDelayMs: 0 });
  const off = new AbortController();
  for (const id of ["a", "a2"]) await sender.send(event(id));
  const second = sender.send(event("b"), { signal: off.signal });
  void sender.send(event("c"));
  off.abort(new Error("no more"));
  await assert.rejects(second, /no more/);
  open();
  await clock.advance(1);
  await sender.flush();
  assert.deepEqual(kept.flat(), ["a", "a2", "c"]);
});

test("an event that has waited for its place goes before what is sent later, and a flush waits for it", async () => {
  const asked: string[][] = [];
  const { clock, sender } = make(
    ({ body }) => {
      asked.push(ids(body));
      return asked.length === 1 ? json({ status: "accepted", count: 2, token: "t" }) : new Promise<never>(() => {});
    },
    { queueEventsMax: 2, batchEventsMax: 2, requestsMax: 1 },
  );
  const told: string[] = [];
  const first = await sender.send(event("a"));
  await sender.send(event("b"));
  void sender.send(event("c"));
  void sender.flush().then(() => told.push("flushed"));
  void first.outcome.then(() => sender.send(event("d")));
  await clock.advance(1000);
  assert.deepEqual(
    [asked, told],
    [
      [
        ["a", "b"],
        ["c", "d"],
      ],
      [],
    ],
  );
});

test("close sends what there is; what is not sent in time has failed, and nothing is taken any more", async () => {
  const never: Answering = () => new Promise(() => {});
  const { clock, sender } = make(never);
  const { outcome } = await sender.send(event("a"));
  const closing = sender.close({ withinMs: 5000 });
  await clock.advance(5000);
  assert.deepEqual(await closing, { accepted: 0, refused: 0, failed: 1, waiting: 0 });
  assert.match(JSON.stringify(await outcome), /"failed"/);
  await assert.rejects(sender.send(event("b")), { code: "closed" });
});

test("a signal gives up all: what is under way, what waits, and calls that wait for a place", async () => {
  const off = new AbortController();
  const bounds = { queueEventsMax: 2, batchEventsMax: 1, requestsMax: 1, signal: off.signal };
  const { sender } = make(() => new Promise(() => {}), bounds);
  const sent = await Promise.all([sender.send(event("a")), sender.send(event("b"))]);
  const waits = sender.send(event("c"));
  off.abort(new Error("enough"));
  await assert.rejects(waits, /enough/);
  for (const { outcome } of sent) assert.match(String(((await outcome) as { error: Error }).error), /enough/);
  await assert.rejects(sender.send(event("d")), /enough/);
});

test("a clock that is put back an hour keeps no event for an hour; one that leaps ahead gives none up", async () => {
  const { kept, take } = store();
  const answers = [refusal(503, "stopping", 1)];
  const { clock, sender } = make((asked) => answers.shift() ?? take(asked), { retryForMs: 60_000 });
  const first = await sender.send(event("a"));
  clock.step(-3_600_000);
  await clock.advance(20);
  clock.step(7_200_000);
  await clock.advance(1000);
  assert.deepEqual([await first.outcome, kept], [{ status: "accepted" }, [["a"]]]);
});

test("an answer that is not of Weir is none, though it says 200", async () => {
  for (const answer of ["{}", "null", '"ok"']) {
    const { sender } = make(() => new Response(answer));
    const { outcome } = await sender.send(event("a"));
    await sender.flush();
    const became = await outcome;
    assert.equal(became.status === "failed" && (became.error as WeirError).code, "strange_answer", answer);
  }
});

test("counted: it asks by the token until the events are counted, and sends again what a server has lost", async () => {
  const { kept, take } = store();
  const stands = [
    { durable: true, counted: false },
    { durable: false, counted: false },
    { durable: true, counted: true },
  ];
  const { clock, sender } = make(
    (asked) => (asked.url.pathname === "/ingest/status" ? json(stands.shift()!) : take(asked)),
    { wait: "counted" },
  );
  const { outcome } = await sender.send(event("a"));
  await clock.advance(500);
  assert.deepEqual(await outcome, { status: "accepted" });
  assert.deepEqual(kept, [["a"], ["a"]]);
});

test("counted: what was taken at the second attempt keeps nothing back while it waits", async () => {
  const { kept, take } = store();
  const answers = [refusal(503, "stopping", 1)];
  const { clock, sender } = make(
    (asked) => (asked.url.pathname === "/ingest/status" ? new Promise(() => {}) : (answers.shift() ?? take(asked))),
    { wait: "counted" },
  );
  await sender.send(event("a"));
  await clock.advance(1100);
  await sender.send(event("b"));
  await clock.advance(100);
  assert.deepEqual(kept, [["a"], ["b"]]);
});

test("counted: it is waited for as long as a request may be tried, and then told what holds", async () => {
  const { kept, take } = store();
  const told: string[] = [];
  let asked = 0;
  const { clock, sender } = make(
    async (one) => {
      if (one.url.pathname !== "/ingest/status") return take(one);
      asked += 1;
      await clock.sleep(30_000);
      return json({ durable: true, counted: false });
    },
    { wait: "counted", retryForMs: 60_000 },
  );
  for (const id of ["a", "bad"])
    void (await sender.send(event(id))).outcome.then((became) =>
      told.push(became.status === "failed" ? (became.error as WeirError).message : became.status),
    );
  await clock.advance(59_000);
  assert.deepEqual(told, ["refused"]);
  await clock.advance(2000);
  const why = "had not counted them after 60 s; it will, once it can: see its /status";
  assert.deepEqual(told, ["refused", `http://weir has the events, and ${why}`]);
  assert.deepEqual([asked, kept], [2, [["a", "bad"]]]);
});

test("it waits as long as whatever stands in front of the server asks for", async () => {
  const { kept, take } = store();
  const slowly = new Response("<html>slowly</html>", { status: 429, headers: { "retry-after": "7" } });
  const answers = [slowly];
  const { clock, sender } = make((asked) => answers.shift() ?? take(asked));
  const { outcome } = await sender.send(event("a"));
  await clock.advance(25);
  await clock.advance(6900);
  assert.deepEqual(kept, []);
  await clock.advance(100);
  assert.deepEqual([await outcome, kept], [{ status: "accepted" }, [["a"]]]);
});

test("bounds with which nothing could be sent, or all the time would go, are refused at once", () => {
  const { take } = store();
  for (const [name, value, least] of [
    ["batchEventsMax", 0, 1],
    ["batchEventsMax", NaN, 1],
    ["requestsMax", 0, 1],
    ["queueEventsMax", -1, 1],
    ["queueBytesMax", "16 MiB", 1],
    ["batchBytesMax", 0, 1],
    ["batchDelayMs", NaN, 0],
    ["retryForMs", -1, 0],
    ["retryFirstMs", null, 0],
    ["retryMostMs", NaN, 0],
  ] as const)
    assert.throws(() => make(take, { [name]: value }), {
      name: "TypeError",
      message: `${name} must be a number of at least ${least}, not ${value}`,
    });
  for (const wait of ["count", null, true])
    assert.throws(() => make(take, { wait: wait as "counted" }), {
      name: "TypeError",
      message: `wait must be "durable" or "counted", not ${wait}`,
    });
  const unbounded = { queueEventsMax: Infinity, requestsMax: Infinity, retryForMs: 0 };
  assert.doesNotThrow(() => make(take, { ...unbounded, batchDelayMs: 0 }));
});
