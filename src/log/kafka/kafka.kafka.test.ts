import { after, before, describe } from "node:test";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import { logSuite } from "../log.suite.ts";
import type { OpenedLog } from "../log.suite.ts";
import { openKafkaLog } from "./kafka.ts";
import type { KafkaLogOptions } from "./kafka.ts";

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

  logSuite("Kafka, one partition", facts, () => open(1));
  logSuite("Kafka, three partitions, compressed", facts, () => open(3, { compression: "zstd" }));
});
