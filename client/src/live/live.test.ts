import assert from "node:assert/strict";
import { test } from "node:test";
import { clientWorld, json } from "../../../test/support/client-world.ts";
import { settled } from "../../../test/support/simulated-clock.ts";
import { Http } from "../http.ts";
import type { Socket } from "../surroundings.ts";
import { Live } from "./live.ts";

function make() {
  const { surroundings } = clientWorld(() => json({}));
  const closed: Socket[] = [];
  const sockets: Socket[] = [];
  const sent: string[] = [];
  const openSocket = (): Socket => {
    const close = (): void => void closed.push(socket);
    const send = (text: string): void => void sent.push(text);
    const socket: Socket = { send, close, onopen: null, onmessage: null, onclose: null, onerror: null };
    sockets.push(socket);
    return socket;
  };
  const asking = { headers: {}, timeoutMs: 1000 };
  const live = new Live(new Http("http://weir", surroundings, asking), { ...surroundings, openSocket });
  const say = (message: object): void => sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) });
  return { live, closed, sockets, sent, say };
}

const snapshot = (rule_id: string, version = 1) => ({
  ...{ type: "snapshot", rule_id, version, epoch: "e", seq: 1, from: "2026-01-14T10:00:00Z", complete: true },
  rows: [],
});

test("who comes later is told what already holds: once, as it is then, and not when he has gone", async () => {
  const { live, sockets, say } = make();
  live.subscribe("r", () => {});
  sockets[0]?.onopen?.(undefined as never);
  say(snapshot("r"));
  await settled();
  const told: string[] = [];
  const join = (name: string) =>
    live.subscribe("r", ({ status, version }) => told.push(`${name} ${status} ${version}`));
  join("second");
  join("gone").unsubscribe();
  assert.deepEqual(told, [], "not before subscribe has answered");
  await settled();
  assert.deepEqual(told, ["second live 1"]);
  join("third");
  say(snapshot("r", 2));
  await settled();
  assert.deepEqual(new Set(told.slice(1)), new Set(["second live 2", "third live 2"]));
  say({ type: "heartbeat", rule_id: "r", seq: 1, lag_ms: 0 });
  await settled();
  assert.equal(told.length, 3);
});

test("events of another origin go on after a cut: nothing is sent that a browser asks about first", async () => {
  const asked: URL[] = [];
  const text = (message: object, id: string): string => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;
  const { clock, surroundings } = clientWorld(({ url, headers }) => {
    // As for every page that no server lets send headers.
    const others = [...headers.keys()].filter((name) => name !== "accept");
    if (others.length > 0) throw new TypeError(`a browser may not send ${others.join()}`);
    asked.push(url);
    return new Response(text(snapshot("a"), `p~${asked.length}`) + text(snapshot("b"), `p~${asked.length}~b`));
  });
  const live = new Live(new Http("http://weir", surroundings, { headers: {}, timeoutMs: 1000 }), surroundings);
  live.subscribe("a", () => {}, { over: "events" });
  for (let cut = 0; cut < 3; cut++) await clock.advance(60_000);
  live.close();
  const ids = asked.slice(0, 3).map(({ searchParams }) => searchParams.get("last_event_id"));
  assert.deepEqual(ids, [null, "p~1~b", "p~2~b"]);
});

test("a page in place of events ends a rule with that, unless events have come from there before", async () => {
  const page = (): Response => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } });
  const first = new Response(`id: p~1\ndata: ${JSON.stringify(snapshot("r"))}\n\n`);
  const told: string[] = [];
  for (const answers of [[], [first]]) {
    const { clock, surroundings } = clientWorld(() => answers.shift() ?? page());
    const live = new Live(new Http("http://weir", surroundings, { headers: {}, timeoutMs: 1000 }), surroundings);
    const { state } = live.subscribe("r", (now) => told.push(`${now.status} ${now.error?.code}`), { over: "events" });
    assert.equal(state.status, "connecting");
    await clock.advance(60_000);
    live.close();
  }
  const came = ["connecting undefined", "live undefined", "stale undefined"];
  assert.deepEqual(told, ["ended strange_answer", ...came], "nothing of attempts that fail");
});

test("a loop that comes later has what already holds first, and then what changes", { timeout: 60_000 }, async () => {
  const { live, say } = make();
  live.subscribe("r", () => {});
  say(snapshot("r"));
  const loop = live.states("r");
  assert.equal((await loop.next()).value?.version, 1);
  const next = loop.next();
  await settled();
  say(snapshot("r", 2));
  assert.equal((await next).value?.version, 2);
});

test("a listener that throws keeps the state from nobody, and its error is reported", async (t) => {
  const reported: unknown[] = [];
  const queue = globalThis.queueMicrotask;
  const guarded = (run: () => void) => (): void => {
    try {
      run();
    } catch (error) {
      reported.push(error);
    }
  };
  t.mock.method(globalThis, "queueMicrotask", (run: () => void) => queue(guarded(run)));
  const { live, say } = make();
  const told: string[] = [];
  const mistake = new Error("a mistake of the page");
  live.subscribe("r", () => {
    throw mistake;
  });
  live.subscribe("r", ({ status }) => told.push(status));
  say(snapshot("r"));
  await settled();
  assert.deepEqual([told, reported], [["live"], [mistake]]);
});

test("a wrong option ends that subscription alone, and nothing is sent of it", async () => {
  const { live, sockets, sent, say } = make();
  const wrong = [
    { intervalMs: 10 },
    { intervalMs: 60_001 },
    { intervalMs: 99.5 },
    { from: "yesterday" },
    { from: -1 },
    { from: 253_402_300_800_000 },
    { from: "2".repeat(65) },
    { from: new Date(Number.NaN) },
  ];
  const told: unknown[] = [];
  for (const over of ["socket", "events"] as const)
    for (const options of wrong)
      live.subscribe("bad", ({ status, error }) => told.push([status, error?.code]), { over, ...options });
  live.subscribe("", ({ status, error }) => told.push([status, error?.code]));
  const good = live.subscribe("good", () => {}, { intervalMs: 50, from: "2026-01-14t10:00:00.5+01:00" });
  sockets[0]?.onopen?.(undefined as never);
  await settled();
  assert.deepEqual(
    told,
    Array.from({ length: 17 }, () => ["ended", "invalid_message"]),
  );
  const asked = { subscribe_rules: ["good"], mode: "delta", interval_ms: 50, from: "2026-01-14t10:00:00.5+01:00" };
  assert.deepEqual([sockets.length, sent], [1, [JSON.stringify(asked)]]);
  say(snapshot("good"));
  assert.equal(good.state.status, "live");
  const { state, unsubscribe } = live.subscribe("bad", () => {}, { intervalMs: 10 });
  assert.equal(state.error?.message, "intervalMs must be a whole number from 50 to 60000, not 10");
  unsubscribe();
});

test("of more rules than a server takes on a socket the others have another one", () => {
  const { live, sockets, sent } = make();
  const subscriptions = Array.from({ length: 1001 }, (_, index) => live.subscribe(`r${index}`, () => {}));
  const asked = (): unknown[] =>
    sent.splice(0).flatMap((text) => (JSON.parse(text) as { subscribe_rules: string[] }).subscribe_rules);
  sockets[0]?.onopen?.(undefined as never);
  assert.deepEqual([sockets.length, asked().length], [2, 1000]);
  sockets[1]?.onopen?.(undefined as never);
  assert.deepEqual(asked(), ["r1000"]);
  subscriptions[5]?.unsubscribe();
  sent.length = 0;
  live.subscribe("r0", () => {});
  live.subscribe("more", () => {});
  assert.deepEqual([sockets.length, asked()], [2, ["more"]]);
  live.close();
});

test("a loop over states ends when all is closed, and waits for nothing any more", { timeout: 60_000 }, async () => {
  const { live, closed } = make();
  const loop = live.states(["a", "b"]);
  for (const rule of ["a", "b"]) assert.deepEqual((await loop.next()).value, { rule, status: "connecting", rows: [] });
  const next = loop.next();
  live.close();
  assert.deepEqual([await next, closed.length], [{ done: true, value: undefined }, 1]);
});

test("that a line was opened is no state of a loop, which gets the first one once", { timeout: 60_000 }, async () => {
  const { live, sockets } = make();
  const loop = live.states("a");
  assert.equal((await loop.next()).value?.status, "connecting");
  const next = loop.next();
  const [socket] = sockets;
  socket?.onopen?.(undefined as never);
  await new Promise((resolve) => setImmediate(resolve));
  const head = { version: 1, epoch: "e", seq: 1, from: "2026-01-14T10:00:00Z", complete: true, rows: [] };
  socket?.onmessage?.({ data: JSON.stringify({ type: "snapshot", rule_id: "a", ...head }) });
  assert.equal((await next).value?.status, "live");
  live.close();
});

test("where no socket can be opened at all, a rule has ended with the reason, and no timer goes on", async () => {
  const { clock, surroundings } = clientWorld(() => json({}));
  const live = new Live(new Http("http://weir", surroundings, { headers: {}, timeoutMs: 1000 }), surroundings);
  const told: unknown[] = [];
  const { state } = live.subscribe("r", ({ status, error }) => told.push([status, error?.message]));
  assert.equal(state.status, "connecting");
  await clock.advance(60_000);
  assert.deepEqual(told, [["ended", "no socket can be opened to ws://weir/live-stats: there are no sockets here"]]);
});

test("a loop ends by its signal, with its reason", { timeout: 60_000 }, async () => {
  const { live } = make();
  const off = new AbortController();
  const loop = live.states("a", { signal: off.signal });
  await loop.next();
  const next = loop.next();
  off.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});

test(
  "a loop that is left while it waits ends at once, and its rule is watched no longer",
  { timeout: 60_000 },
  async () => {
    const { live, sockets, sent, say } = make();
    for (const leave of ["return", "throw"] as const) {
      const loop = live.states("quiet");
      await loop.next();
      sockets[0]?.onopen?.(undefined as never);
      say(snapshot("quiet"));
      assert.equal((await loop.next()).value?.status, "live");
      const next = loop.next();
      const left = leave === "return" ? loop.return() : assert.rejects(loop.throw(new Error("enough")), /enough/);
      assert.deepEqual(await next, { done: true, value: undefined });
      await left;
      assert.equal(sent.at(-1), `{"unsubscribe_rules":["quiet"]}`);
    }
    assert.deepEqual(await live.states("quiet").return(), { done: true, value: undefined });
    live.close();
  },
);

test("a loop whose signal has aborted before opens nothing", async () => {
  const { live, sockets } = make();
  const loop = live.states("a", { signal: AbortSignal.abort(new Error("before")) });
  await assert.rejects(loop.next(), /before/);
  assert.equal(sockets.length, 0);
});
