import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { loadConfig } from "../config/load.ts";
import { systemClock } from "../lib/clock.ts";
import { Generator } from "./generator.ts";
import { Latencies } from "./latencies.ts";
import { runLoad } from "./load.ts";
import { OwnCount } from "./own-count.ts";
import { Pacer } from "./pacer.ts";
import { seeded } from "./random.ts";
import { shapes } from "./shapes.ts";

const habits = { users: 100, repeatPercent: 0, latePercent: 0, lateByMs: 3_600_000, run: "r" };
const now = Date.parse("2026-01-13T10:00:30Z");

function events(seed: number, count: number, more: Partial<typeof habits> = {}) {
  const generator = new Generator(shapes.shop, { ...habits, ...more }, seeded(seed));
  return Array.from({ length: count }, () => generator.next(now));
}

test("a seed makes the same visitors, another one others", () => {
  assert.deepEqual(events(1, 50), events(1, 50));
  assert.notDeepEqual(events(1, 50), events(2, 50));
});

test("shares are what was asked for, and what is sent again is what was sent", () => {
  const made = events(3, 20_000, { repeatPercent: 30, latePercent: 10 });
  const repeats = made.filter(({ isRepeat }) => isRepeat);
  const first = made.filter(({ isRepeat }) => !isRepeat);
  assert.ok(Math.abs(repeats.length / 20_000 - 0.3) < 0.02, `${repeats.length} repeats`);
  const late = first.filter(({ isLate }) => isLate);
  assert.ok(Math.abs(late.length / first.length - 0.1) < 0.02, `${late.length} late`);
  assert.ok(late.every(({ timestamp }) => timestamp < now && timestamp >= now - 3_600_000));
  assert.equal(new Set(first.map(({ event }) => event.event_id)).size, first.length);
  const known = new Map(first.map(({ event }) => [event.event_id, event]));
  for (const { event } of repeats) assert.deepEqual(event, known.get(event.event_id));
});

test("its own count is that of the events, and an answer that lacks one or has one twice differs", () => {
  const own = new OwnCount(shapes.shop, "r");
  const [count, sum] = own.rules;
  assert.ok(count && sum);
  const buy = { user_id: "u", event_type: "purchase", payload: { country: "DE", price: 0.1 }, units: 10 };
  for (let times = 0; times < 3; times++) own.add(buy, now);
  own.add({ ...buy, event_type: "page_view", units: null }, now - 60_000);
  const row = (start: string, group: object, value: number) => ({
    window_start: start,
    ...group,
    value,
    window_end: "",
    final: true,
  });
  const counted = [
    row("2026-01-13T10:00:00Z", { event_type: "purchase" }, 3),
    row("2026-01-13T09:59:00Z", { event_type: "page_view" }, 1),
  ];
  assert.deepEqual(own.differences(count, counted), []);
  assert.deepEqual(own.differences(sum, [row("2026-01-13T10:00:00Z", { "payload.country": "DE" }, 0.3)]), []);
  assert.equal(own.from, Date.parse("2026-01-13T09:59:00Z"));
  assert.deepEqual(own.differences(count, counted.slice(1)), [
    { rule: "r-count", at: "2026-01-13T10:00:00.000Z purchase", own: 3, server: null },
  ]);
  assert.equal(own.differences(count, [...counted, row("2026-01-13T10:01:00Z", { event_type: "x" }, 1)]).length, 1);
  assert.equal(own.differences(sum, [row("2026-01-13T10:00:00Z", { "payload.country": "DE" }, 0.4)]).length, 1);
});

test("quantiles are within 1 %", () => {
  const latencies = new Latencies();
  assert.equal(latencies.quantile(0.5), null);
  for (let ms = 1; ms <= 1000; ms++) latencies.add(ms);
  for (const [share, expected] of [
    [0.5, 500],
    [0.99, 990],
  ] as const) {
    const found = latencies.quantile(share) ?? 0;
    assert.ok(Math.abs(found / expected - 1) <= 0.011, `${found} for ${expected}`);
  }
});

/** A server that takes all events, counts none, and answers otherwise, or not at all, where it is told to. */
async function serverOf(context: TestContext, more: (path: string, method: string) => Reply | "never" | undefined) {
  const server = createServer((request, answer) => {
    let text = "";
    request.on("data", (piece: Buffer) => (text += piece.toString()));
    request.on("end", () => {
      const { pathname } = new URL(request.url ?? "", "http://x");
      const count = text.split("\n").length - 1;
      const usual = { "/ingest": { status: "accepted", count, token: "t" }, "/status": { lag_ms: 5 } }[pathname];
      const reply = more(pathname, request.method ?? "") ?? [200, usual ?? { data: [], complete: true }];
      if (reply === "never") return;
      const [status, body] = reply;
      answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Reply = readonly [status: number, body: unknown];

const refusal = (status: number, code: string, message: string): Reply => [status, { error: { code, message } }];

/** `weir load --check` of one event at this server. */
function loading(url: string) {
  const said: string[] = [];
  const write = (text: string): void => void said.push(text);
  const sizes = { columns: () => 80, lines: () => 24 };
  const terminal = { isTty: false, hasColours: false, json: true, ...sizes, write: () => {}, taken: async () => {} };
  const around = { screen: { isTty: false, columns: () => 80, write: () => {} }, complain: write, clock: systemClock };
  const [ended, insisted] = [new AbortController(), new AbortController()];
  const read = loadConfig({ argv: ["load", "--check", "--rate", "0", "--events", "1"], env: {}, readFile: () => "" });
  assert.ok(read.ok);
  const wish = { ...read.load, seed: 1, ingestUrl: url, queryUrl: url };
  const begin = () => runLoad(wish, { terminal, ...around, signal: ended.signal, insisted: insisted.signal });
  return { begin, said, stop: () => ended.abort(), insist: () => insisted.abort() };
}

/** A pacer whose sender needs `eventMs` for each event, and tells what became of them by `counts`. */
function pacing(eventMs: number, sent: () => void = () => {}) {
  const counts = { accepted: 0, refused: 0, failed: 0, waiting: 0 };
  const outcome = Promise.resolve({ status: "accepted" } as const);
  let now = 5000;
  const send = async () => ((now += eventMs), sent(), { eventId: "e", outcome });
  const generator = new Generator(shapes.shop, habits, seeded(1));
  const own = new OwnCount(shapes.shop, "r");
  const { signal } = new AbortController();
  const sender = { send, counts, close: async () => counts };
  const clock = { ...systemClock, monotonic: () => now };
  return { counts, pacer: new Pacer({ sender, generator, own, clock, signal }) };
}

test("how far a load is, is told by what has an outcome, and not by what was sent", async () => {
  const { counts, pacer } = pacing(0);
  const pace = { rate: 0, seconds: 10, events: 10 };
  assert.equal((await pacer.run(pace)).events, 10);
  assert.equal(pacer.standing(pace).share, 0);
  Object.assign(counts, { accepted: 3, refused: 2, failed: 1 });
  assert.deepEqual(pacer.standing(pace), { what: "load", done: 5, refused: 2, share: 0.6 });
});

test("of a rate that is not reached the time tells how far a load is, and then what has an outcome of what was sent", async () => {
  const shares: (number | null)[] = [];
  const pace = { rate: 1000, seconds: 10, events: null };
  const { counts, pacer } = pacing(1000, () => shares.push(pacer.standing(pace).share));
  const { events } = await pacer.run(pace);
  assert.deepEqual([events, shares.slice(0, 5)], [11, [0.1, 0.2, 0.3, 0.4, 0.5]]);
  counts.accepted = 9;
  assert.equal(pacer.standing(pace).share, 9 / 11);
});

test("a server that refuses the rules of a check is not one that does not answer", async (context) => {
  const refusing = loading(await serverOf(context, () => refusal(409, "too_many_rules", "there are 1000 rules")));
  assert.equal(await refusing.begin(), 1);
  assert.deepEqual(refusing.said, ["there are 1000 rules\n"]);
  assert.equal(await loading("http://127.0.0.1:1").begin(), 2);
  const nowhere = loading("http://localhost:80:81");
  assert.equal(await nowhere.begin(), 2);
  assert.match(nowhere.said.join(""), /^"http:\/\/localhost:80:81" is not the address of a server/);
});

test("a check is stopped at once, and leaves no rules", { timeout: 60_000 }, async (context) => {
  for (const isStoppedBefore of [false, true]) {
    const deleted: string[] = [];
    const url: string = await serverOf(context, (path, method) => {
      if (path === "/ingest" && isStoppedBefore) load.stop();
      if (path === "/status") setImmediate(isStoppedBefore ? load.insist : load.stop);
      if (method === "DELETE") deleted.push(path);
      return undefined;
    });
    const load = loading(url);
    assert.equal(await load.begin(), 130);
    assert.deepEqual(
      [load.said, deleted.length],
      [["The check was stopped: whether all was counted is not known.\n"], 2],
    );
  }
});

test("rules that can't be deleted are named", async (context) => {
  const load = loading(
    await serverOf(context, (path, method) => {
      if (path === "/status") setImmediate(load.stop);
      return method === "DELETE" ? refusal(503, "overloaded", "later") : undefined;
    }),
  );
  assert.equal(await load.begin(), 130);
  assert.match(load.said.join(""), /could not be deleted: weir rules delete load-\S+-count load-\S+-sum\n$/);
});

test("a load that is stopped twice while it sends ends at once, and names the rules that it leaves", async (context) => {
  const { timeout } = AbortSignal;
  for (const isDead of [false, true]) {
    let faster = 1;
    context.mock.method(AbortSignal, "timeout", (ms: number) => timeout(ms / faster));
    const load = loading(
      await serverOf(context, (path, method) => {
        if (path === "/ingest") setImmediate(() => (load.stop(), load.insist()));
        if (isDead && path === "/ingest") faster = 100;
        return path === "/ingest" || (isDead && method === "DELETE") ? "never" : undefined;
      }),
    );
    assert.equal(await load.begin(), 130);
    const [stopped, ...left] = load.said;
    assert.match(stopped ?? "", /^The check was stopped/);
    assert.match(left.join(""), isDead ? /deleted: weir rules delete load-\S+-count load-\S+-sum\n$/ : /^$/);
  }
});
