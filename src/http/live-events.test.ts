import assert from "node:assert/strict";
import { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { Compile } from "typebox/compile";
import { Assembler } from "../../test/support/assembler.ts";
import { documented } from "../../test/support/documented.ts";
import { EventStream } from "../../test/support/event-stream.ts";
import { MemoryProgress } from "../../test/support/memory-progress.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { systemClock } from "../lib/clock.ts";
import { Hub } from "../live/hub.ts";
import type { LiveLimits } from "../live/limits.ts";
import { ExactMessage } from "../protocol/live.ts";
import { liveEvents } from "./live-events.ts";
import { liveSocket } from "./live-socket.ts";
import { createServer } from "./server.ts";

const schema = Compile(ExactMessage);
const windowStart = Date.UTC(2026, 0, 13, 17, 50);

async function start(limits: Partial<LiveLimits> = {}) {
  const store = new MemoryStore();
  const progress = new MemoryProgress();
  const rules = new MemoryRules();
  const series = { clicks: rules.set({ rule_id: "clicks" }), views: rules.set({ rule_id: "views" }) };
  const live = {
    find: (id: string) => rules.list().find((rule) => rule.rule_id === id),
    answering: rules.answering.bind(rules),
  };
  const hub = new Hub({ store, rules: live, progress, clock: systemClock, process: "test", limits });
  hub.start();
  const options = { clock: systemClock, origins: ["https://friend.example"] };
  const routes = [liveSocket(hub, options), liveEvents(hub, options)];
  const server = documented(createServer({ title: "Test", version: "0", logger: false, routes }));
  await server.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/live-stats`;
  const count = (rule: keyof typeof series, value: number, at = windowStart): void => {
    store.set(series[rule], { windowStart: at, group: ["click"], value });
    progress.touch([at / 1000]);
  };
  return { count, hub, rules, server, url };
}

async function refused(url: string, headers = {}, init: RequestInit = {}): Promise<[number, string, string]> {
  const answer = await fetch(url, { headers, ...init });
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  return [answer.status, error.code, error.message];
}

describe("the live feed as events", () => {
  let setUp: Awaited<ReturnType<typeof start>>;
  before(async () => (setUp = await start({ connectionsMax: 3 })));
  after(() => setUp.server.close());

  it("has the messages of the socket, and a place to come back to with several rules", async () => {
    const { url, count } = setUp;
    count("clicks", 1);
    count("views", 1);
    const query = "?rule_id=clicks&rule_id=views&rule_id=clicks&interval_ms=50";
    const first = await EventStream.open(url + query);
    assert.equal(first.response.headers["content-type"], "text/event-stream; charset=utf-8");
    const assembler = new Assembler();
    assembler.subscribe("clicks");
    assembler.subscribe("views");
    await first.until(2);
    count("clicks", 2);
    await first.until(3);
    const heard = first.messages<ExactMessage>();
    assert.deepEqual(
      heard.slice(0, 3).map(({ type }) => type),
      ["snapshot", "snapshot", "delta"],
    );
    for (const message of heard) assert.ok(schema.Check(message), JSON.stringify(message));
    for (const message of heard) assembler.take(message);
    first.destroy();
    count("views", 7);
    const second = await EventStream.open(url + query, { "last-event-id": first.lastId });
    await second.until(1);
    const [delta] = second.messages<ExactMessage>();
    assert.ok(delta?.type === "delta" && delta.rule_id === "views", JSON.stringify(delta));
    assembler.take(delta);
    assert.deepEqual(
      ["clicks", "views"].map((rule) => assembler.rows(rule)?.[0]?.value),
      [2, 7],
    );
    second.destroy();
    // Also where a rule was of which nothing came on the second stream.
    count("clicks", 3);
    const third = await EventStream.open(`${url}${query}&last_event_id=${second.lastId}`);
    await third.until(1);
    assert.deepEqual(
      third.messages<ExactMessage>().map((message) => message.type === "delta" && message.rule_id),
      ["clicks"],
    );
    third.destroy();
    // An EventSource asks again for what it asked for first, and says in the header how far it is.
    const stale = `${url}${query}&last_event_id=${first.lastId}`;
    const fourth = await EventStream.open(stale, { "last-event-id": third.lastId });
    count("clicks", 4);
    await fourth.until(1);
    assert.deepEqual([fourth.messages<ExactMessage>().length, fourth.messages<ExactMessage>()[0]?.type], [1, "delta"]);
    fourth.destroy();
  });

  it("waits in all streams as the same bytes, each with an id of its own", async (t) => {
    const { url, count, server } = await start();
    t.after(() => server.close());
    count("clicks", 1);
    count("views", 1);
    const queries = ["?rule_id=clicks", "?rule_id=clicks&rule_id=views", "?rule_id=views&rule_id=clicks"];
    const streams = await Promise.all(queries.map((query) => EventStream.open(`${url}${query}&interval_ms=50`)));
    await Promise.all(streams.map((stream, index) => stream.until(index === 0 ? 1 : 2)));
    const { mock } = t.mock.method(ServerResponse.prototype, "write");
    count("clicks", 2);
    await Promise.all(streams.map((stream, index) => stream.until(index === 0 ? 2 : 3)));
    const written = mock.calls.map(({ arguments: [chunk] }) => chunk as unknown);
    const deltas = written.filter((chunk) => String(chunk).includes('"type":"delta"'));
    assert.deepEqual([deltas.length, new Set(deltas).size], [3, 1]);
    assert.ok(Buffer.isBuffer(deltas[0]), "texts are made bytes of for each stream");
    assert.equal(new Set(streams.map(({ lastId }) => lastId)).size, 3);
    for (const stream of streams) stream.destroy();
  });

  it("begins anew where the place is not known", async () => {
    for (const id of ["7", "test~1.0.99999", "other~1.0.1"]) {
      const stream = await EventStream.open(`${setUp.url}?rule_id=clicks`, { "last-event-id": id });
      await stream.until(2);
      const [reset, snapshot] = stream.messages<ExactMessage>();
      assert.ok(reset?.type === "reset" && reset.reason === "resume_too_old", id);
      assert.equal(snapshot?.type, "snapshot");
      stream.destroy();
    }
  });

  it("goes on with the others when a rule is deleted, also over another line", async (t) => {
    const { url, rules, count, server } = await start();
    t.after(() => server.close());
    const query = "?rule_id=views&rule_id=clicks&interval_ms=50";
    const first = await EventStream.open(url + query);
    await first.until(2);
    rules.delete("views");
    await first.until(3);
    first.destroy();
    count("clicks", 5);
    const second = await EventStream.open(url + query, { "last-event-id": first.lastId });
    await second.until(2);
    assert.deepEqual(
      [first.messages<ExactMessage>().at(-1), ...second.messages<ExactMessage>()].map((message) => [
        message?.rule_id,
        message?.type === "error" ? message.code : message?.type,
      ]),
      [
        ["views", "rule_deleted"],
        ["views", "unknown_rule"],
        ["clicks", "delta"],
      ],
    );
    second.destroy();
  });

  it("refuses with a reason", async () => {
    const { url, hub } = setUp;
    const ask = `${url}?rule_id=clicks`;
    const table: [url: string, headers: object, status: number, code: string, message: RegExp][] = [
      [url, {}, 426, "upgrade_required", /rule_id/],
      [`${url}?rule_id=nope`, {}, 404, "unknown_rule", /^there is no rule "nope"$/],
      [`${url}?rule_id=nope&rule_id=none`, {}, 404, "unknown_rule", /^there is no rule "nope", nor "none"$/],
      [`${ask}&interval_ms=49`, {}, 400, "invalid_query", /interval_ms must be >= 50/],
      [`${ask}&from=yesterday`, {}, 400, "invalid_query", /from "yesterday" must be RFC 3339/],
      [`${ask}&frm=0`, {}, 400, "invalid_query", /did you mean from\?/],
      [url + `?${"rule_id=r&".repeat(101)}`, {}, 400, "invalid_query", /rule_id/],
      [ask, { origin: "https://stranger.example" }, 403, "origin_refused", /stranger/],
    ];
    for (const [where, headers, ...expected] of table) {
      const [status, code, message] = await refused(where, headers);
      assert.deepEqual([status, code], expected.slice(0, 2), where);
      assert.match(message, expected[2]);
    }
    const head = await fetch(ask, { method: "HEAD" });
    assert.equal(head.status, 405);
    while (hub.connectionCount > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const streams = await Promise.all([1, 2, 3].map(() => EventStream.open(ask)));
    assert.deepEqual((await refused(ask)).slice(0, 2), [429, "overloaded"]);
    for (const stream of streams) stream.destroy();
  });

  it("lets pages of listed origins read it", async () => {
    const { url, hub } = setUp;
    while (hub.connectionCount > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const readableBy = async (rule: string, origin: string): Promise<unknown> => {
      const stream = await EventStream.open(`${url}?rule_id=${rule}`, { origin });
      stream.destroy();
      return stream.response.headers["access-control-allow-origin"];
    };
    const friend = "https://friend.example";
    assert.equal(await readableBy("clicks", friend), friend);
    assert.equal(await readableBy("nope", friend), friend, "a refusal, too");
    assert.equal(await readableBy("clicks", "https://stranger.example"), undefined);
  });
});

describe("the end of a stream", () => {
  it("comes with the code of a socket's when the server stops", async () => {
    const { server, url } = await start();
    const stream = await EventStream.open(`${url}?rule_id=clicks`);
    await stream.until(1);
    await server.close();
    await stream.until(Infinity);
    assert.deepEqual(stream.events.at(-1), {
      event: "close",
      data: '{"code":1001,"reason":"the server is stopping"}',
    });
  });

  it("comes when nothing is read", async (t) => {
    const { server, url, count, hub } = await start({ backlogBytesMax: 1000, backlogMsMax: 300 });
    t.after(() => server.close());
    const stream = await EventStream.open(`${url}?rule_id=clicks&interval_ms=50&from=0`);
    await stream.until(1);
    stream.pause();
    let window = 0;
    while (hub.connectionCount > 0) {
      for (let more = 0; more < 500; more++) count("clicks", 1, windowStart + (window += 1) * 600_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    stream.destroy();
  });
});
