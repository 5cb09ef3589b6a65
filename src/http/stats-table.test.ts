import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { documented } from "../../test/support/documented.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { StatsTable } from "../query/stats-table.ts";
import { queryRoutes } from "./query-routes.ts";
import { createServer } from "./server.ts";

/** What the next request for a table is answered with, and the signal that it came with. */
let next: (signal: AbortSignal) => Promise<StatsTable>;
let lists = 0;

const unused = (): never => assert.fail("was asked");
const query = {
  stats: () => ((lists += 1), Promise.reject(new WeirError("unknown_rule", "there is no rule r"))),
  statsTable: (_raw: unknown, signal: AbortSignal) => next(signal),
  events: unused,
  rejects: unused,
  dropRejects: unused,
  status: unused,
};
const clock = new SimulatedClock();
const server = documented(
  createServer({ title: "Test", version: "0", logger: false, routes: [queryRoutes(query, clock)] }),
);
let url = "";

const table = (format: StatsTable["format"], read: StatsTable["read"], more: Partial<StatsTable> = {}) =>
  Promise.resolve({ ruleId: "top.5-m", format, complete: true, read, ...more });
const bytesOf = (...chunks: string[]) =>
  Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );

before(async () => {
  await server.listen({ host: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/stats?rule_id=r&format=`;
});
after(() => server.close());

describe("a table over HTTP", () => {
  const types = {
    ndjson: "application/x-ndjson; charset=utf-8",
    csv: "text/csv; charset=utf-8; header=present",
    parquet: "application/vnd.apache.parquet",
    arrow: "application/vnd.apache.arrow.file",
  } as const;
  for (const [format, type] of Object.entries(types) as [StatsTable["format"], string][]) {
    it(`is a file of its own type: ${format}`, async () => {
      next = () => table(format, async () => bytesOf("a", "b"), { nextCursor: "abc", complete: false });
      const answer = await fetch(url + format);
      assert.equal(await answer.text(), "ab");
      const name = (header: string): string | null => answer.headers.get(header);
      assert.deepEqual(
        [name("content-type"), name("content-disposition"), name("x-next-cursor"), name("x-complete")],
        [type, `attachment; filename="top.5-m.${format}"`, "abc", "false"],
      );
    });
  }

  it("has no cursor when there is no more, and may be empty", async () => {
    next = () => table("ndjson", async () => bytesOf());
    const answer = await fetch(`${url}ndjson`);
    assert.deepEqual([answer.status, await answer.text(), answer.headers.get("x-next-cursor")], [200, "", null]);
  });

  it("is answered when the end of no bytes has come before anybody reads", async () => {
    const ended = async (): Promise<Readable> => {
      const stream = new PassThrough();
      stream.end();
      await new Promise(setImmediate);
      return stream;
    };
    next = () => table("ndjson", ended);
    const answer = await fetch(`${url}ndjson`, { signal: AbortSignal.timeout(20_000) });
    assert.deepEqual([answer.status, await answer.text()], [200, ""]);
  });

  it("is described by HEAD without being made", async () => {
    next = () => table("csv", unused, { nextCursor: "abc" });
    const answer = await fetch(`${url}csv`, { method: "HEAD" });
    const { headers } = answer;
    assert.deepEqual([answer.status, headers.get("x-next-cursor"), headers.get("content-length")], [200, "abc", null]);
  });

  it("fails as any request does as long as nothing was sent", async () => {
    const broken = new WeirError("store_unavailable", "away");
    const failing = async (): Promise<Readable> => {
      const stream = new PassThrough();
      setImmediate(() => stream.destroy(broken));
      return stream;
    };
    for (const read of [() => Promise.reject(broken), failing]) {
      next = () => table("parquet", read, { nextCursor: "abc" });
      const answer = await fetch(`${url}parquet`);
      assert.equal(answer.status, 503);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
      assert.equal(answer.headers.get("content-disposition"), null);
      assert.equal(((await answer.json()) as { error: { code: string } }).error.code, "store_unavailable");
    }
  });

  it("that breaks on the way breaks the connection", async () => {
    const stream = new PassThrough();
    next = () => table("csv", async () => (stream.write("half"), stream));
    const answer = await fetch(`${url}csv`);
    assert.equal(answer.status, 200);
    stream.destroy(new Error("gone"));
    await assert.rejects(answer.text());
  });

  it("is given up when the client goes, before its bytes and amid them", async () => {
    for (const chunk of [undefined, "half"]) {
      const asked = Promise.withResolvers<AbortSignal>();
      const stream = new PassThrough();
      next = (signal) => {
        asked.resolve(signal);
        return table("csv", async () => (chunk === undefined ? once(signal, "abort") : stream.write(chunk), stream));
      };
      const { port, pathname, search } = new URL(`${url}csv`);
      const client = connect(Number(port), "127.0.0.1");
      client.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const signal = await asked.promise;
      if (chunk !== undefined) await once(client, "data");
      client.destroy();
      if (!signal.aborted) await once(signal, "abort");
      if (chunk !== undefined && !stream.destroyed) await once(stream, "close");
    }
  });

  it("is cut when it is taken too slowly, and goes on when it is not", async () => {
    for (const isRead of [false, true]) {
      const asked = Promise.withResolvers<AbortSignal>();
      let given = 0;
      const piece = Buffer.alloc(64 * 1024);
      const endless = new Readable({
        read() {
          given += piece.length;
          setImmediate(() => this.push(piece));
        },
      });
      next = (signal) => (asked.resolve(signal), table("csv", async () => endless));
      const { port, pathname, search } = new URL(`${url}csv`);
      const client = connect(Number(port), "127.0.0.1");
      client.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const signal = await asked.promise;
      await once(client, "readable");
      await clock.advance(9_000);
      if (isRead) client.resume();
      // More than the system holds for a connection whose other end does not read.
      for (let second = 0; second < 300 && !signal.aborted; second++) {
        const before = given;
        while (isRead && given < before + 10 * piece.length) await systemClock.sleep(1);
        await clock.advance(1000);
      }
      assert.equal(signal.aborted, !isRead);
      client.destroy();
      if (!endless.destroyed) await once(endless, "close");
    }
  });

  it("is not cut while another answer of its connection has not ended", async () => {
    const [front, behind] = [new PassThrough(), new PassThrough()];
    const piece = Buffer.alloc(256 * 1024, "b");
    const tables = [front, behind].map((stream) => table("ndjson", async () => (stream.write("a\n"), stream)));
    const asked: AbortSignal[] = [];
    next = (signal) => tables[asked.push(signal) - 1]!;
    const { port, pathname, search } = new URL(`${url}ndjson`);
    const client = connect(Number(port), "127.0.0.1");
    let read = 0;
    client.on("data", (bytes: Buffer) => (read += bytes.length));
    client.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2));
    while (asked.length < 2 || read === 0) await systemClock.sleep(1);
    behind.end(piece);
    // The one in front is taken as fast as it comes.
    for (let second = 0; second < 60; second++) {
      front.write(piece);
      while (front.readableLength > 0) await systemClock.sleep(1);
      await clock.advance(1000);
    }
    assert.deepEqual(
      asked.map(({ aborted }) => aborted),
      [false, false],
    );
    front.end();
    for (const signal of asked) if (!signal.aborted) await once(signal, "abort");
    while (read < 61 * piece.length) await systemClock.sleep(1);
    client.destroy();
  });

  it("has ended for the service when its last byte is sent", async () => {
    const signals: AbortSignal[] = [];
    next = (signal) => (signals.push(signal), table("csv", async () => bytesOf("a")));
    await (await fetch(`${url}csv`)).text();
    const [signal] = signals;
    if (!signal!.aborted) await once(signal!, "abort");
  });

  it("is not meant by json, no format, or an unknown one", async () => {
    next = unused;
    lists = 0;
    for (const format of ["json", "", "xml", "CSV"]) assert.equal((await fetch(url + format)).status, 404);
    assert.equal((await fetch(url.replace("&format=", ""))).status, 404);
    assert.equal(lists, 5);
  });
});
