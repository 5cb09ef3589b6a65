import { hasRole } from "../../src/config/roles.ts";
import type { Config } from "../../src/config/options.ts";
import { partitionsWhenMade } from "../../src/log/kafka/topic.ts";

const MiB = 2 ** 20;
/** What a partition's log gives at a time; on Kafka with what is kept of each of 50,000 records, where others have written them. */
const readBytesMax = { embedded: 48 * MiB, kafka: 24 * MiB };

/** How much memory a container of Weir has to have, by the sum in docs/operating.md: it may be the only one that counts. */
export function memoryOf(config: Config): number {
  const isOnKafka = config.kafkaBrokers.length > 0;
  const partitions = isOnKafka ? (config.kafkaPartitions ?? partitionsWhenMade) : 1;
  const batches = 4 * partitions * readBytesMax[isOnKafka ? "kafka" : "embedded"];
  const ofRoles = {
    ingest: 3 * config.inflightBytesMax,
    processor: 50 * config.dedupeIdsMax + batches,
    query: 16 * 1024 * config.liveClientsMax + (128 + 64) * MiB,
  };
  const server = (["ingest", "processor", "query"] as const)
    .filter((role) => hasRole(config, role))
    .reduce((sum, role) => sum + ofRoles[role], 640 * MiB);
  return (
    server +
    (config.clickhouseUrl === null && hasRole(config, "processor") ? 256 * MiB + config.engineMemoryMaxBytes : 0)
  );
}
