import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startCluster } from "../../test/support/kafka/cluster.ts";
import { kafka, whyNoKafka } from "../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../test/support/needs.ts";
import { startServer } from "../../test/support/server-process.ts";
import { readCompose } from "../check/read.ts";
import { runProgram } from "../check/run-program.ts";

const program = fileURLToPath(new URL("load-test.ts", import.meta.url));

describe("on a real Kafka", unlessMissing(whyNoKafka), () => {
  test("the load test counts what went through HTTP and what went past Weir, each once", async () => {
    const cluster = await startCluster(1);
    const dataDir = await mkdtemp(join(tmpdir(), "weir-load-kafka-"));
    try {
      const brokers = cluster.addresses.join();
      // No power of two: there any way of choosing a partition by the same hash would do.
      const args = ["--kafka-brokers", brokers, "--kafka-topic", "loaded", "--kafka-partitions", "3"];
      const server = await startServer({ dataDir, args });
      try {
        const { code, output } = await runProgram(program, {
          ...{ LOAD_TEST_INGEST_URL: server.ingestUrl, LOAD_TEST_QUERY_URL: server.queryUrl },
          ...{ LOAD_TEST_KAFKA_BROKERS: brokers, LOAD_TEST_KAFKA_TOPIC: "loaded", LOAD_TEST_EVENTS: "2000" },
        });
        assert.equal(code, 0, output);
        assert.match(output, /sent over Kafka +2,000 events in .* events\/s; 2 sends, .*; 1,000 events again/);
        assert.match(output, /counted +4,000 of 4,000 events/);
        assert.match(output, /ways +2\d windows of 4,000 events, all right/);
      } finally {
        await server.killGroup();
      }
    } finally {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test("Kafka takes the settings of compose.yaml's brokers", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-compose-kafka-"));
    try {
      for (const name of ["kafka-1", "kafka-3"]) {
        const file = join(folder, `${name}.properties`);
        const { CLUSTER_ID: cluster, ...environment } = readCompose("deploy/compose.yaml").services[name]!.environment!;
        await writeFile(file, propertiesOf({ ...environment, KAFKA_LOG_DIRS: join(folder, name) }));
        const tool = ["kafka.tools.StorageTool", "format", "-t", String(cluster), "-c", file];
        const { stdout } = await promisify(execFile)("java", [...(await kafka()).java, ...tool]);
        assert.match(stdout, /Formatting .*metadata directory/);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** As the image of Apache Kafka does: KAFKA_LOG_DIRS is log.dirs. Memory is Java's. */
const propertiesOf = (environment: Readonly<Record<string, string | number>>): string =>
  Object.entries(environment)
    .filter(([name]) => name.startsWith("KAFKA_") && name !== "KAFKA_HEAP_OPTS")
    .map(([name, value]) => `${name.slice("KAFKA_".length).toLowerCase().replaceAll("_", ".")}=${value}`)
    .join("\n");
