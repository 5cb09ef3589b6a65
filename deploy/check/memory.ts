import { hasRole } from "../../src/config/roles.ts";
import type { Config } from "../../src/config/options.ts";
import { partitionsWhenMade } from "../../src/log/kafka/topic.ts";

const MiB = 2 ** 20;
/** What a partition's log gives at a time; on Kafka with what is kept of each of 50,000 records, where others have written them. */
const readBytesMax = { embedded: 48 * MiB, kafka: 24 * MiB };

/** The MiB of the lines of the sum in docs/operating.md, in their order: a test sees when the page has others. */
export const ofPage = [640, 128, 256, 128, 64, 16, 256] as const;
const [start, watched, unread, answers, requests, archived, engine] = ofPage;

/** How much memory a container of Weir has to have, by the sum in docs/operating.md: it may be the only one that counts. */
export function memoryOf(config: Config): number {
  const isOnKafka = config.kafkaBrokers.length > 0;
  const partitions = isOnKafka ? (config.kafkaPartitions ?? partitionsWhenMade) : 1;
  const batches = 4 * partitions * readBytesMax[isOnKafka ? "kafka" : "embedded"];
  const archive = config.archive === "on" ? archived * MiB * partitions : 0;
  const ofRoles = {
    ingest: 3 * config.inflightBytesMax,
    processor: 50 * config.dedupeIdsMax + batches,
    query: 16 * 1024 * config.liveClientsMax + (2 * watched + 2 * unread + answers + requests) * MiB + archive,
  };
  const server = (["ingest", "processor", "query"] as const)
    .filter((role) => hasRole(config, role))
    .reduce((sum, role) => sum + ofRoles[role], start * MiB);
  return (
    server +
    (config.clickhouseUrl === null && hasRole(config, "processor") ? engine * MiB + config.engineMemoryMaxBytes : 0)
  );
}
