import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { systemClock } from "../lib/clock.ts";
import { kafkaLogOptions } from "./log.ts";

const deps = { clock: systemClock, report: () => {}, gap: () => {}, onFailure: () => {} };

test("what may wait for Kafka's brokers is bounded by the option that bounds what is in flight", () => {
  const argv = ["--roles", "ingest", "--kafka-brokers", "kafka:9092", "--inflight-bytes-max", "200MiB"];
  const loaded = loadConfig({ argv, env: {}, readFile: () => "" });
  assert.ok(loaded.ok);
  assert.equal(kafkaLogOptions(loaded.config, deps, "counted").inFlightBytesMax, 200 * 2 ** 20);
});

test("the archive, which has all partitions, reads little ahead of each", () => {
  const loaded = loadConfig({
    argv: ["--roles", "ingest", "--kafka-brokers", "kafka:9092"],
    env: {},
    readFile: () => "",
  });
  assert.ok(loaded.ok);
  const bounds = (["counted", "archived"] as const).map(
    (done) => kafkaLogOptions(loaded.config, deps, done).aheadBytesMax,
  );
  assert.deepEqual(bounds, [undefined, 2 << 20]);
});
