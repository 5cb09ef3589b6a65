import assert from "node:assert/strict";
import { test } from "node:test";
import { afterOn } from "../../../test/support/package-client.ts";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { readLiveRequest } from "../../../src/protocol/live-request.ts";
import { WeirError } from "../errors.ts";
import type { LineEvents, Wanted } from "./carrier.ts";
import { EventParser } from "./event-carrier.ts";
import { LiveLine } from "./live-line.ts";
import { requestsOf } from "./socket-carrier.ts";

const pace = { firstMs: 100, mostMs: 400, openMs: 1000, silenceMs: 5000, lingerMs: 500 };
const snapshot = (rule_id: string, seq = 1) => ({
  ...{ type: "snapshot", rule_id, version: 1, epoch: "e", seq, from: "2026-01-14T10:00:00Z", complete: true },
  rows: [],
});

/** Lines that are opened, and ended, by hand. */
function make(isFixed = false) {
  const clock = new SimulatedClock();
  const lines: { asked: readonly Wanted[]; more: string[]; events: LineEvents; isClosed: boolean }[] = [];
  const line = new LiveLine(
    (wanted, events) => {
      const one = { asked: wanted(), more: [] as string[], events, isClosed: false };
      lines.push(one);
      const close = (): void => void (one.isClosed = true);
      if (isFixed) return { close };
      const [watch, unwatch] = [
        (added: Wanted) => one.more.push(`+${added.rule}`),
        (rule: string) => one.more.push(`-${rule}`),
      ];
      return { close, watch, unwatch };
    },
    { after: afterOn(clock), random: () => 1 },
    pace,
  );
  const say = (message: object): void => lines.at(-1)!.events.message(JSON.stringify(message));
  const places = (): unknown[] => lines.at(-1)!.asked.map(({ rule, place }) => [rule, place?.seq]);
  return { clock, lines, line, say, places, last: () => lines.at(-1)! };
}

test("a line is opened for the first rule, others join it, and it rests some time after the last", async () => {
  const { clock, lines, line, say, last } = make();
  assert.equal(line.state, "resting");
  const a = line.watch({ rule: "a" });
  assert.equal(line.state, "connecting");
  last().events.opened();
  const b = line.watch({ rule: "b" });
  assert.deepEqual([line.state, last().more], ["open", ["+b"]]);
  say(snapshot("a"));
  assert.deepEqual([a.state.status, b.state.status], ["live", "connecting"]);
  for (const one of [a, b]) line.unwatch(one);
  await clock.advance(499);
  assert.equal(line.state, "open");
  await clock.advance(1);
  assert.deepEqual([line.state, last().isClosed, lines.length], ["resting", true, 1]);
});

test("a line that ends is opened again after longer and longer pauses, and goes on where it was", async () => {
  const { clock, lines, line, say, places, last } = make();
  const a = line.watch({ rule: "a" });
  last().events.opened();
  say(snapshot("a", 7));
  for (const pauseMs of [100, 200, 400, 400]) {
    last().events.closed();
    assert.deepEqual([line.state, a.state.status], ["waiting", "stale"]);
    const before = lines.length;
    await clock.advance(pauseMs - 1);
    assert.equal(lines.length, before);
    await clock.advance(1);
    assert.equal(lines.length, before + 1);
    assert.deepEqual(places(), [["a", 7]]);
  }
  last().events.opened();
  assert.equal(a.state.status, "stale", "nothing has come yet");
  say({ type: "heartbeat", rule_id: "a", seq: 7, lag_ms: 0 });
  assert.equal(a.state.status, "live");
  last().events.closed();
  await clock.advance(100);
  assert.equal(line.state, "connecting", "the pauses are short again");
});

test("a pause is as long as a server asks for, but for at most a minute", async () => {
  const { clock, lines, line, last } = make();
  line.watch({ rule: "a" });
  for (const [asked, pauseMs] of [
    [3_000, 3_000],
    [50, 200],
    [3_600_000, 60_000],
  ] as const) {
    last().events.closed(undefined, asked);
    const before = lines.length;
    await clock.advance(pauseMs - 1);
    assert.equal(lines.length, before);
    await clock.advance(1);
    assert.equal(lines.length, before + 1);
  }
});

test("who comes in a pause that others have made long does not wait for its end, unless others wait as well", async () => {
  const { clock, lines, line, last } = make();
  const a = line.watch({ rule: "a" });
  for (const pauseMs of [100, 200]) {
    last().events.closed();
    await clock.advance(pauseMs);
  }
  last().events.closed();
  line.unwatch(a);
  line.watch({ rule: "b" });
  assert.deepEqual([line.state, last().asked.map(({ rule }) => rule)], ["connecting", ["b"]]);
  last().events.closed();
  line.watch({ rule: "c" });
  assert.deepEqual([line.state, lines.length], ["waiting", 4]);
  await clock.advance(400);
  assert.deepEqual([line.state, last().asked.map(({ rule }) => rule)], ["connecting", ["b", "c"]]);
});

test("of a rule of which nothing has come it is told whether the line is open", async () => {
  const { line, say, last } = make();
  const a = line.watch({ rule: "a" });
  const told: unknown[] = [];
  a.listen(() => told.push([a.state.status, a.state.opened]));
  const opened = (): unknown[] => [a, b].map(({ state }) => state.opened);
  assert.equal(a.state.opened, undefined);
  last().events.opened();
  await settled();
  assert.deepEqual(told, [["connecting", true]]);
  const b = line.watch({ rule: "b" });
  assert.deepEqual(opened(), [true, true]);
  say(snapshot("a"));
  assert.deepEqual(opened(), [undefined, true]);
  last().events.closed();
  assert.deepEqual(opened(), [undefined, undefined]);
});

test("a line that does not open, or on which nothing comes, is given up", async () => {
  const { clock, line, say, last } = make();
  line.watch({ rule: "a" });
  await clock.advance(1000);
  assert.deepEqual([line.state, last().isClosed], ["waiting", true]);
  await clock.advance(100);
  last().events.opened();
  say(snapshot("a"));
  await clock.advance(4999);
  assert.equal(line.state, "open");
  say({ type: "heartbeat", rule_id: "a", seq: 1, lag_ms: 0 });
  await clock.advance(4999);
  assert.equal(line.state, "open");
  await clock.advance(1);
  assert.equal(line.state, "waiting");
});

test("what does not follow makes that rule begin anew, and the others go on; where places are one word, all do", async () => {
  for (const isFixed of [false, true]) {
    const { clock, line, say, places, last } = make(isFixed);
    for (const rule of ["a", "b"]) line.watch({ rule });
    last().events.opened();
    for (const rule of ["a", "b"]) say(snapshot(rule));
    say({ type: "heartbeat", rule_id: "a", seq: 2, lag_ms: 0 });
    assert.equal(line.state, "waiting");
    await clock.advance(100);
    assert.deepEqual(places(), [
      ["a", undefined],
      ["b", isFixed ? undefined : 1],
    ]);
  }
});

test("what is no message at all ends the line", async () => {
  for (const text of ["{", "null", '{"type":"surprise"}']) {
    const { line, last } = make();
    line.watch({ rule: "a" });
    last().events.opened();
    last().events.message(text);
    assert.equal(line.state, "waiting", text);
  }
});

test("a rule that the server refuses has ended, with the reason, and is not asked for again", async () => {
  const { clock, line, say, places, last } = make();
  const a = line.watch({ rule: "a" });
  line.watch({ rule: "b" });
  last().events.opened();
  say({ type: "error", code: "unknown_rule", message: "there is no rule a", rule_id: "a" });
  assert.deepEqual(
    [a.state.status, a.state.error?.code, a.state.error?.message],
    ["ended", "unknown_rule", "there is no rule a"],
  );
  last().events.closed();
  await clock.advance(100);
  assert.deepEqual(places(), [["b", undefined]]);
});

test("a mistake in a request, and a line that is refused for good, end what waits for an answer", () => {
  const { line, say, last } = make();
  const a = line.watch({ rule: "a" });
  last().events.opened();
  say(snapshot("a"));
  const b = line.watch({ rule: "b", from: "yesterday" });
  say({ type: "error", code: "invalid_message", message: 'from "yesterday" must be RFC 3339' });
  assert.deepEqual([a.state.status, b.state.error?.code], ["live", "invalid_message"]);
  last().events.closed(new WeirError("origin_refused", "not allowed", { status: 403 }));
  assert.deepEqual([line.state, a.state.status, a.state.error?.code], ["resting", "ended", "origin_refused"]);
});

const refused = { type: "error", code: "invalid_message", message: "something is wrong" };

test("where a mistake could be of several rules, each is asked for by itself, and only the one that is refused ends", async () => {
  const { clock, line, say, places, last } = make();
  const held = line.watch({ rule: "held" });
  last().events.opened();
  say(snapshot("held", 7));
  for (const rule of ["first", "bad", "other"]) line.watch({ rule });
  const states = (): unknown[] =>
    ["first", "bad", "other"].map(
      (rule) => line.follower(rule)?.state.error?.code ?? line.follower(rule)?.state.status,
    );
  say(refused);
  assert.deepEqual([line.state, states()], ["waiting", ["connecting", "connecting", "connecting"]]);
  line.watch({ rule: "late" });
  await clock.advance(100);
  last().events.opened();
  assert.deepEqual([places(), last().more], [[["held", 7]], ["+first"]]);
  line.watch({ rule: "later" });
  say({ type: "heartbeat", rule_id: "held", seq: 7, lag_ms: 0 });
  assert.deepEqual(last().more, ["+first"], "first has no answer yet");
  say(snapshot("first"));
  assert.deepEqual(last().more, ["+first", "+bad"]);
  say(refused);
  assert.deepEqual([states(), last().more.at(-1)], [["live", "invalid_message", "connecting"], "+other"]);
  await clock.advance(1000);
  assert.equal(last().more.at(-1), "+late", "a refusal would have come at once");
  for (const rule of ["late", "later", "other"]) say(snapshot(rule));
  assert.deepEqual(last().more, ["+first", "+bad", "+other", "+late", "+later"]);
  line.watch({ rule: "last" });
  assert.equal(last().more.at(-1), "+last", "there is no doubt any more");
  assert.deepEqual([held.state.status, states()], ["live", ["live", "invalid_message", "live"]]);
});

test("after a cut a mistake of one that had nothing yet ends no other, whether that goes on where it was or begins anew", async () => {
  const { clock, line, say, last } = make();
  const [a, b, bad] = ["a", "b", "bad"].map((rule) => line.watch({ rule }));
  last().events.opened();
  say(snapshot("a"));
  last().events.closed();
  await clock.advance(100);
  last().events.opened();
  say(refused);
  await clock.advance(200);
  last().events.opened();
  for (let turn = 0; turn < 3; turn++) {
    const rule = last().more.at(-1)?.slice(1) ?? "";
    say(rule === "bad" ? refused : snapshot(rule));
  }
  assert.deepEqual(
    [a, b, bad].map((one) => one?.state.status),
    ["live", "live", "ended"],
  );
});

test("a mistake of a rule that nobody watches any more ends no other; in a cut while one is asked for, the others go first", async () => {
  const { clock, line, say, last } = make();
  const gone = line.watch({ rule: "gone" });
  last().events.opened();
  line.unwatch(gone);
  const a = line.watch({ rule: "a" });
  const b = line.watch({ rule: "b" });
  say(refused);
  await clock.advance(100);
  last().events.opened();
  last().events.closed();
  await clock.advance(200);
  last().events.opened();
  assert.deepEqual(last().more, ["+b"]);
  line.unwatch(b);
  say(refused);
  say(snapshot("a"));
  assert.deepEqual([last().more, a.state.status], [["+b", "-b", "+a"], "live"]);
});

test("a stream of events has one message for all: a mistake in it ends what has had nothing", () => {
  const { line, say, last } = make(true);
  const [a, b] = ["a", "b"].map((rule) => line.watch({ rule }));
  last().events.opened();
  say(refused);
  assert.deepEqual([a?.state.error?.code, b?.state.error?.code], ["invalid_message", "invalid_message"]);
});

test("what comes at once is told at once, and nothing after the end of a subscription", async () => {
  const { line, say, last } = make();
  const a = line.watch({ rule: "a" });
  let told = 0;
  const stop = a.listen(() => (told += 1));
  last().events.opened();
  say(snapshot("a"));
  say({ type: "reset", rule_id: "a", reason: "rebuilt" });
  say(snapshot("a"));
  await settled();
  assert.equal(told, 1);
  stop();
  say({ type: "reset", rule_id: "a", reason: "rebuilt" });
  await settled();
  assert.equal(told, 1);
});

test("a thousand rules are asked for in messages that the server takes, each from its place", () => {
  const place = { epoch: "4c1a05ac46f3.9.mkdrfls0", seq: 12_345 };
  const wanted = Array.from({ length: 1000 }, (_, index) => ({
    ...{ rule: `${"r".repeat(60)}${index}`, intervalMs: index % 2 === 0 ? 100 : undefined },
    ...(index % 3 === 0 && { place }),
  }));
  const requests = requestsOf(wanted);
  const rules = requests.flatMap((text) => {
    assert.ok(Buffer.byteLength(text) <= 16 * 1024);
    const read = readLiveRequest(text);
    assert.ok(read.ok, text);
    return read.request.subscribe_rules ?? [];
  });
  assert.deepEqual([...rules].sort(), wanted.map(({ rule }) => rule).sort());
});

test("a stream of events is cut where it may be cut, and an id counts behind its message", () => {
  const text =
    'retry: 1000\n\nid: a~1\ndata: {"x":1}\n\n:\n\ndata: {"y":"ü"}\n\nevent: close\ndata: {"code":1001}\n\nid: a~2\ndata: {"z"';
  for (const size of [1, 2, 3, 7, 1000]) {
    const heard: string[] = [];
    const parser = new EventParser({ message: (data) => heard.push(data), id: (id) => heard.push(id) });
    for (let at = 0; at < text.length; at += size) parser.take(text.slice(at, at + size));
    assert.deepEqual(heard, ['{"x":1}', "a~1", '{"y":"ü"}'], String(size));
  }
});

test("a line ends where the format says, not at what Unicode calls an end of line", () => {
  const heard: string[] = [];
  const parser = new EventParser({ message: (data) => heard.push(data), id: () => {} });
  const value = JSON.stringify({ user_id: "a\u2028b\u2029c" });
  parser.take(`id: 1\ndata: ${value}\n\n`);
  assert.deepEqual(heard, [value]);
});

test("an event of many pieces is put together without looking through it again and again", () => {
  const heard: number[] = [];
  const parser = new EventParser({ message: (data) => heard.push(data.length), id: () => {} });
  const piece = "x".repeat(16_000);
  const before = process.cpuUsage();
  parser.take("data: ");
  for (let index = 0; index < 2000; index++) parser.take(piece);
  parser.take("\n");
  parser.take("");
  parser.take("\n");
  assert.deepEqual(heard, [32_000_000]);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 3_000_000, "it has taken seconds");
});
