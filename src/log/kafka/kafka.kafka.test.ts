import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { pack } from "../../event/packed.ts";
import type { OffsetRange } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import { logSuite } from "../log.suite.ts";
import type { OpenedLog } from "../log.suite.ts";
import { openKafkaLog } from "./kafka.ts";
import type { KafkaLogOptions } from "./kafka.ts";
import { recordAt } from "./slots.ts";

const facts = { dense: false, keepsRecords: false };

describe("the log on Kafka", unlessMissing(whyNoKafka), () => {
  let cluster: Cluster;
  let topics = 0;
  before(async () => {
    cluster = await startCluster(1);
  });
  after(() => cluster?.stop());

  const options = (name: string, partitions: number): KafkaLogOptions => ({
    address: { brokers: cluster.addresses },
    topic: { name, partitions, replication: null },
    group: "weir",
    compression: "none",
    futureMaxMs: 86_400_000,
    clock: systemClock,
    report: () => {},
  });

  /** An empty topic of its own. */
  async function open(partitions: number, more: Partial<KafkaLogOptions> = {}): Promise<OpenedLog> {
    const own = { ...options(`events-${topics++}`, partitions), ...more };
    let log: Log = await openKafkaLog(own);
    return {
      log,
      reopen: async () => {
        await log.close();
        return (log = await openKafkaLog(own));
      },
      cleanup: () => log.close(),
    };
  }

  test("more in flight than the bound is refused as more than the bound, with nothing kept", async () => {
    const { log, cleanup } = await open(1, { inFlightBytesMax: 50_000 });
    const large = (name: string) =>
      pack(
        Array.from({ length: 40 }, (_, index) => ({
          ...{ event_id: `${name}-${index}`, event_type: "t", user_id: "u", timestamp: 1_768_000_000_000 },
          payload: JSON.stringify({ text: "x".repeat(1_000) }),
        })),
      );
    const taken = log.append(large("first"));
    await assert.rejects(log.append(large("second")), { code: "overloaded", canRetry: true });
    const [{ to }] = (await taken) as [OffsetRange];
    const [after] = await log.append(large("third"));
    assert.equal(recordAt(after!.from), recordAt(to) + 1);
    await cleanup();
  });

  logSuite("Kafka, one partition", facts, () => open(1));
  logSuite("Kafka, three partitions, compressed", facts, () => open(3, { compression: "zstd" }));
});
