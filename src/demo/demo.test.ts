import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { demoConfig } from "./demo.ts";

test("whatever is configured, the demo has its own log, store and rules", () => {
  const env = {
    WEIR_KAFKA_BROKERS: "kafka:9092",
    WEIR_CLICKHOUSE_URL: "http://clickhouse:8123",
    WEIR_MONGO_URL: "mongodb://mongo/weir",
    WEIR_ARCHIVE: "on",
  };
  const loaded = loadConfig({ argv: ["demo"], env, readFile: () => assert.fail() });
  assert.ok(loaded.ok);
  const { dataDir, kafkaBrokers, clickhouseUrl, mongoUrl, archive } = demoConfig(loaded.config, "/tmp/demo");
  assert.deepEqual([dataDir, kafkaBrokers, clickhouseUrl, mongoUrl, archive], ["/tmp/demo", [], null, null, "off"]);
});
