import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type Bench, bench, event, json } from "../../test/support/ingest-bench.ts";
import type { MemoryLogOptions } from "../../test/support/memory-log.ts";
import { converse } from "../../test/support/socket.ts";
import { unpack } from "../event/packed.ts";
import type { IngestLimits } from "../ingest/ingest.ts";
import { systemClock } from "../lib/clock.ts";

describe("POST /ingest", () => {
  it("accepts an array, and one event", async () => {
    const { send, stored } = bench();
    const answer = await send([event, { ...event, event_id: "e2" }]);
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.json), ["status", "count", "token"]);
    assert.equal(answer.json.count, 2);
    assert.equal((await send(event, { type: "application/json; charset=UTF-8" })).json.count, 1);
    assert.deepEqual(stored(), ["e1", "e2", "e1"]);
  });

  it("takes a body in the forms that it knows", async () => {
    const { send, stored } = bench();
    const envelope = {
      specversion: "1.0",
      source: "/s",
      id: "c1",
      type: "t",
      subject: "u",
      time: "2026-01-13T10:00:00Z",
      data: { a: 9007199254740993 },
    };
    const lines = `${JSON.stringify(event)}\r\n\n ${JSON.stringify({ ...event, event_id: "e2" })}`;
    assert.equal((await send(lines, { type: "application/x-ndjson" })).json.count, 2);
    assert.equal((await send(envelope, { type: "application/cloudevents+json" })).json.count, 1);
    assert.equal(
      (
        await send([envelope, { ...envelope, id: "c2", time: undefined, source: undefined }], {
          type: "application/cloudevents-batch+json",
        })
      ).json.count,
      2,
    );
    assert.equal((await send(`\ufeff [${JSON.stringify(event)}] \n`)).json.count, 1);
    assert.deepEqual(stored(), ["e1", "e2", "c1", "c1", "c2", "e1"]);
  });

  it("takes a CloudEvent whose attributes are headers", async () => {
    const { server, stored } = bench();
    const attributes = { "ce-specversion": "1.0", "ce-type": "t", "ce-source": "/s", "ce-subject": "u%20v" };
    const post = async (headers: Record<string, string>, payload: string) =>
      (await server.inject({ method: "POST", url: "/ingest", headers: { ...attributes, ...headers }, payload }))
        .statusCode;
    assert.equal(await post({ "ce-id": "c1", "content-type": json }, '{"a":1}'), 200);
    assert.equal(await post({ "ce-id": "c2" }, ""), 200);
    assert.equal(await post({ "ce-id": "c3", "content-type": "text/xml" }, "<a/>"), 415);
    assert.equal(await post({ "ce-id": "c3", "content-type": "application/x-ndjson" }, JSON.stringify(event)), 415);
    assert.equal(await post({ "content-type": json }, "{}"), 422);
    assert.equal(await post({ "ce-id": "c4", "content-type": "application/cloudevents+json" }, "{}"), 422);
    assert.deepEqual(stored(), ["c1", "c2"]);
  });

  it("keeps numbers that a double can't hold", async () => {
    const { send, log } = bench();
    const body = JSON.stringify([event]).replace(
      '"a":1',
      '"a":9007199254740993,"b":1e20,"c":-9223372036854775808,"d":123456789012345678901.5',
    );
    assert.equal((await send(body)).status, 200);
    assert.equal(
      unpack(log.records[0]!.events)[0]!.payload,
      '{"a":9007199254740993,"b":1e+20,"c":-9223372036854775808,"d":1.2345678901234568e+20}',
    );
  });

  const encoded = Buffer.from(JSON.stringify([event]));
  const br = (bytes: Buffer): Buffer => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const encoders = { gzip: gzipSync, br, zstd: zstdCompressSync };

  for (const [encoding, encode] of Object.entries(encoders)) {
    it(`decodes ${encoding}, and refuses what is wrong or cut`, async () => {
      const { send, stored, ingest } = bench();
      assert.equal((await send(encode(encoded), { encoding })).status, 200);
      for (const wrong of [encode(encoded).subarray(0, -6), Buffer.from("not encoded at all")]) {
        const answer = await send(wrong, { encoding });
        assert.deepEqual([answer.status, answer.json.error.code], [400, "invalid_encoding"]);
      }
      assert.deepEqual(stored(), ["e1"]);
      assert.equal(ingest.inFlightBytes, 0);
    });

    it(`stops a bomb of ${encoding} at the bound`, async () => {
      const { send, ingest } = bench({ bodyBytesMax: 1 << 20 });
      const answer = await send(encode(Buffer.alloc(32 << 20, 32)), { encoding });
      assert.deepEqual([answer.status, answer.json.error.code], [413, "body_too_large"]);
      assert.equal(ingest.inFlightBytes, 0);
    });
  }

  const refusals: [name: string, body: unknown, options: Parameters<Bench["send"]>[1], status: number, code: string][] =
    [
      ["an empty array", [], {}, 400, "empty_batch"],
      ["an empty body", "", {}, 400, "empty_batch"],
      ["what is not JSON", "[{", {}, 400, "invalid_json"],
      ["what is not UTF-8", Buffer.from([0x5b, 0xff, 0x5d]), {}, 400, "invalid_json"],
      ["something behind the end", `[${JSON.stringify(event)}] x`, {}, 400, "invalid_json"],
      ["a missing comma", `[${JSON.stringify(event)} ${JSON.stringify(event)}]`, {}, 400, "invalid_json"],
      ["a text", '"abc"', {}, 400, "invalid_json"],
      ["an array without end", "[".repeat(100_000), {}, 400, "invalid_json"],
      ["too many events", Array(11).fill(event), {}, 413, "too_many_events"],
      ["a large body", " ".repeat(20_000), {}, 413, "body_too_large"],
      ["another type", "a=b", { type: "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
      ["another charset", [event], { type: "application/json; charset=latin1" }, 415, "unsupported_media_type"],
      ["another encoding", [event], { encoding: "deflate" }, 415, "unsupported_encoding"],
      ["two layers of encoding", [event], { encoding: "gzip, br" }, 415, "unsupported_encoding"],
      ["an unknown parameter", [event], { query: "?partail=true" }, 400, "invalid_query"],
      ["a wrong parameter", [event], { query: "?wait=forever" }, 400, "invalid_query"],
      ["a broken event", [{ ...event, extra: 1 }], {}, 422, "invalid_events"],
      ["a member that is no event", [1], {}, 422, "invalid_events"],
      ["a line that is not JSON", "[{", { type: "application/x-ndjson" }, 422, "invalid_events"],
    ];
  for (const [name, body, options, status, code] of refusals) {
    it(`refuses ${name} with ${status} ${code} and keeps nothing`, async () => {
      const { send, stored, ingest } = bench({
        eventsMax: 10,
        bodyBytesMax: code === "body_too_large" ? 10_000 : 1 << 20,
      });
      const answer = await send(body, options);
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
      assert.deepEqual(stored(), []);
      assert.equal(ingest.inFlightBytes, 0);
    });
  }

  it("names every mistake of the first 100 bad events, and stores none of the good ones", async () => {
    const { send, stored } = bench();
    const bad = Array.from({ length: 150 }, (_, index) => ({
      ...event,
      event_id: `b${index}`,
      timestamp: "2026-02-30T00:00:00Z",
      usr_id: 1,
    }));
    const answer = await send([event, ...bad]);
    assert.match(answer.json.error.message, /^150 of 151 events .* first 100 /);
    assert.equal(answer.json.error.details.length, 200);
    assert.deepEqual(answer.json.error.details.slice(0, 2), [
      { index: 1, path: "[1].usr_id", message: "is not a key of an event; did you mean user_id?" },
      {
        index: 1,
        path: "[1].timestamp",
        message: "must be a time as in RFC 3339 (2026-01-13T10:00:00Z) or whole milliseconds since 1970",
        value: "2026-02-30T00:00:00Z",
      },
    ]);
    assert.deepEqual(stored(), []);
  });

  it("accepts the good ones with partial=true and lists the refused", async () => {
    const { send, stored } = bench();
    const lines = [JSON.stringify(event), "{", JSON.stringify({ ...event, user_id: "" })].join("\n");
    const answer = await send(lines, { type: "application/x-ndjson", query: "?partial=true" });
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.json.count, answer.json.refused_count], [1, 2]);
    assert.deepEqual(
      answer.json.refused.map(({ index, line }) => [index, line]),
      [
        [1, 2],
        [2, 3],
      ],
    );
    assert.deepEqual(answer.json.refused[1]!.problems, [{ path: "user_id", message: "must not be empty", value: "" }]);
    assert.deepEqual(stored(), ["e1"]);
  });

  it("answers only when the events are durable", async () => {
    let sync = (): void => {};
    const begun = Promise.withResolvers<void>();
    const { send } = bench({}, { sync: () => new Promise((resolve) => ((sync = resolve), begun.resolve())) });
    let answered = false;
    const answer = send([event]).then((result) => ((answered = true), result));
    await begun.promise;
    await systemClock.sleep(30);
    assert.equal(answered, false);
    sync();
    assert.equal((await answer).status, 200);
  });

  it("waits with wait=counted, and says so when it was in vain", async () => {
    const { send, countAll } = bench({ countedWaitMaxMs: 100 });
    const late = await send([event], { query: "?wait=counted" });
    assert.deepEqual([late.status, late.json.error.code], [504, "timeout"]);
    assert.ok(late.json.error.details.token);
    const answer = send([event], { query: "?wait=counted" });
    countAll();
    assert.equal((await answer).status, 200);
  });

  it("waits on for a moment when it is asked to stop, and then says what is known", async () => {
    const { send, countAll, ingest, waits } = bench();
    const counted = send([event], { query: "?wait=counted" });
    await waits;
    ingest.stop();
    await systemClock.sleep(30);
    countAll();
    assert.equal((await counted).status, 200);
    const stuck = bench();
    const waiting = stuck.send([event], { query: "?wait=counted" });
    await stuck.waits;
    stuck.ingest.stop();
    const late = await waiting;
    assert.deepEqual([late.status, late.json.error.code], [504, "timeout"]);
    assert.ok(late.json.error.details.token);
  });

  it("refuses what is beyond its bounds with a time to come again", async () => {
    const full = bench({}, { bytesMax: 0 });
    const fullAnswer = await full.send([event]);
    assert.deepEqual(
      [fullAnswer.status, fullAnswer.json.error.code, fullAnswer.headers["retry-after"]],
      [503, "log_full", "5"],
    );
    const busy = bench({ inFlightBytesMax: 10 });
    const busyAnswer = await busy.send([event]);
    assert.deepEqual(
      [busyAnswer.status, busyAnswer.json.error.code, busyAnswer.headers["retry-after"]],
      [429, "overloaded", "1"],
    );
    const stopping = bench();
    stopping.ingest.stop();
    assert.equal((await stopping.send([event])).json.error.code, "stopping");
  });
});

describe("over a socket", () => {
  async function listen(limits: Partial<IngestLimits> = {}, logOptions: MemoryLogOptions = {}) {
    const made = bench(limits, logOptions);
    await made.server.listen({ host: "127.0.0.1", port: 0 });
    return { ...made, port: (made.server.server.address() as AddressInfo).port };
  }
  const head = (length: number | string): string =>
    `POST /ingest HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;

  it("takes a body in pieces, chunked or not", async () => {
    const { port, stored } = await listen();
    const body = JSON.stringify([event]);
    const connection = converse(port);
    connection.write(head(`Content-Length: ${body.length}`) + body.slice(0, 30));
    await systemClock.sleep(20);
    connection.write(body.slice(30));
    connection.write(head("Transfer-Encoding: chunked\r\nConnection: close"));
    for (const part of [body.slice(0, 11), body.slice(11)])
      connection.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    connection.write("0\r\n\r\n");
    assert.equal((await connection.closed).match(/200 OK/g)?.length, 2);
    assert.deepEqual(stored(), ["e1", "e1"]);
  });

  it("keeps nothing of a body that ends too early", async () => {
    const { port, stored, ingest } = await listen();
    const connection = converse(port);
    connection.write(`${head("Content-Length: 1000")}${JSON.stringify([event])}`);
    await systemClock.sleep(30);
    connection.destroy();
    await connection.closed;
    await systemClock.sleep(30);
    assert.deepEqual(stored(), []);
    assert.equal(ingest.inFlightBytes, 0);
  });

  it("reads to its end what it has no room for, so that its client gets the answer and keeps its connection", async () => {
    const { port } = await listen({}, { bytesMax: 0 });
    const connection = converse(port);
    connection.write(`${head("Content-Length: 100")}${" ".repeat(50)}`);
    await systemClock.sleep(900);
    connection.write(" ".repeat(50) + head("Content-Length: 1\r\nConnection: close") + " ");
    assert.equal((await connection.closed).match(/503 Service Unavailable/g)?.length, 2);
  });

  it("refuses a declared length at once, and a body without end at the bound", async () => {
    const { port } = await listen({ bodyBytesMax: 100_000 });
    const declared = converse(port);
    declared.write(head("Content-Length: 10000000000"));
    assert.match(await declared.closed, /^HTTP\/1\.1 413 .*connection: close.*"body_too_large"/is);
    const endless = converse(port);
    endless.write(head("Transfer-Encoding: chunked"));
    const piece = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const stop = systemClock.every(5, () => endless.write(piece));
    assert.match(await endless.closed, /^HTTP\/1\.1 413 .*"body_too_large"/s);
    stop();
  });
});
