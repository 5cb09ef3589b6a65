import assert from "node:assert/strict";
import { test } from "node:test";
import { clientWorld, json } from "../../../test/support/client-world.ts";
import { Http } from "../http.ts";
import type { Socket } from "../surroundings.ts";
import { Live } from "./live.ts";

function make() {
  const { surroundings } = clientWorld(() => json({}));
  const [opened, closed]: [Socket[], Socket[]] = [[], []];
  const openSocket = (): Socket => {
    const close = (): void => void closed.push(socket);
    const socket: Socket = { send: () => {}, close, onopen: null, onmessage: null, onclose: null, onerror: null };
    opened.push(socket);
    return socket;
  };
  const asking = { headers: {}, timeoutMs: 1000 };
  return {
    live: new Live(new Http("http://weir", surroundings, asking), { ...surroundings, openSocket }),
    opened,
    closed,
  };
}

test("a loop over states ends when all is closed, and waits for nothing any more", { timeout: 60_000 }, async () => {
  const { live, closed } = make();
  const loop = live.states(["a", "b"]);
  for (const rule of ["a", "b"]) assert.deepEqual((await loop.next()).value, { rule, status: "connecting", rows: [] });
  const next = loop.next();
  live.close();
  assert.deepEqual([await next, closed.length], [{ done: true, value: undefined }, 1]);
});

test("that a line was opened is no state of a loop, which gets the first one once", { timeout: 60_000 }, async () => {
  const { live, opened } = make();
  const loop = live.states("a");
  assert.equal((await loop.next()).value?.status, "connecting");
  const next = loop.next();
  const [socket] = opened;
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
