import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bench, event } from "../../test/support/ingest-bench.ts";
import { type Clock, systemClock } from "../lib/clock.ts";

describe("GET /ingest/status", () => {
  it("tells how far the events of a token are, and waits", async () => {
    const { send, server, countAll } = bench();
    const { token } = (await send([event])).json;
    const status = async (query: string) => (await server.inject(`/ingest/status?token=${token}${query}`)).json();
    assert.deepEqual(await status(""), { durable: true, counted: false });
    const waiting = status("&wait=5s");
    await systemClock.sleep(20);
    countAll();
    assert.deepEqual(await waiting, { durable: true, counted: true });
  });

  it("says of a wait that ends in vain what is known", async () => {
    const waits: number[] = [];
    const sleep: Clock["sleep"] = async (ms) => void waits.push(ms);
    const { send, server } = bench({}, {}, { ...systemClock, sleep });
    const { token } = (await send([event])).json;
    const answer = await server.inject(`/ingest/status?token=${token}&wait=60s`);
    assert.deepEqual([answer.statusCode, answer.json()], [200, { durable: true, counted: false }]);
    assert.deepEqual(waits, [60_000]);
  });

  it("says of events that the log does not have that they are not durable, without a wait", async () => {
    const { token } = (await bench().send([event])).json;
    const other = bench();
    other.countAll();
    const answer = await other.server.inject(`/ingest/status?token=${token}&wait=60s`);
    assert.deepEqual([answer.statusCode, answer.json()], [200, { durable: false, counted: false }]);
  });

  it("refuses a token that is none, and a wait that is too long", async () => {
    const { server } = bench();
    const codes = async (query: string) => (await server.inject(`/ingest/status${query}`)).json().error.code;
    assert.equal(await codes("?token=abc"), "invalid_token");
    assert.equal(await codes("?token=%00%ff"), "invalid_token");
    assert.equal(await codes("?token=abc&wait=61s"), "invalid_query");
    assert.equal(await codes(""), "invalid_query");
  });
});
