import type { Config } from "../config/options.ts";
import { progressTopic } from "../config/progress-topic.ts";
import { hasRole } from "../config/roles.ts";
import type { Clock } from "../lib/clock.ts";
import { folderId } from "../lib/datadir.ts";
import type { WeirError } from "../lib/errors.ts";
import { openEmbeddedLog } from "../log/embedded/embedded.ts";
import type { KafkaAddress } from "../log/kafka/client.ts";
import type { KafkaLogOptions } from "../log/kafka/kafka.ts";
import { slotsPerRecord } from "../log/kafka/slots.ts";
import type { Log } from "../log/log.ts";
import type { Channel } from "../progress/channel.ts";
import { certificatesIn } from "./certificates.ts";
import { logFolder } from "./folder.ts";
import { engineFreeMin } from "../store/clickhouse/engine/room.ts";

export interface OpenLogDeps {
  readonly clock: Clock;
  readonly report: (level: "info" | "warn" | "error", message: string, facts?: object) => void;
  /** So many records were passed over that had been deleted unread. */
  readonly gap: (records: number) => void;
  /** The log can't go on. */
  readonly onFailure: (error: WeirError) => void;
  /** Ends the wait for brokers. */
  readonly signal?: AbortSignal;
}

/** Whatever is configured, the embedded log leaves the engine room to count, and to delete, what it holds. */
const logFreeMin = 2 * engineFreeMin;

/**
 * The log that is configured: `app.ts` goes on with whichever it is. Kafka's client, which takes as long to load as much of the
 * rest, is loaded only where it is wanted.
 */
export function openLog(config: Config, deps: OpenLogDeps): Promise<Log> {
  return isOnKafka(config) ? onKafka(config, deps) : embedded(config, deps);
}

/** How many positions a record of the log may have for one event: how sparse they can be. */
export const positionsPerRecord = (config: Config): number => (isOnKafka(config) ? slotsPerRecord : 1);

/** Where the processes tell each other how far they are; undefined: there can only be one. */
export async function openChannel(config: Config, deps: OpenLogDeps): Promise<Channel | undefined> {
  if (!isOnKafka(config)) return undefined;
  const { openKafkaChannel } = await import("../log/kafka/channel.ts");
  const named = { address: addressOf(config), topic: progressTopic(config), replication: config.kafkaReplication };
  return openKafkaChannel({ ...deps, ...named });
}

/** With less free on the disk of the data folder the embedded log takes no event. */
export const freeBytesToTake = ({ diskFreeMinBytes }: Config): number => Math.max(diskFreeMinBytes, logFreeMin);

export const isOnKafka = ({ kafkaBrokers }: Config): boolean => kafkaBrokers.length > 0;

function embedded(config: Config, deps: OpenLogDeps): Promise<Log> {
  const { dataDir, logBytesMax, inflightBytesMax } = config;
  return openEmbeddedLog({
    dir: logFolder(dataDir),
    bytesMax: logBytesMax,
    inFlightBytesMax: inflightBytesMax,
    freeBytesMin: freeBytesToTake(config),
    clock: deps.clock,
    onFailure: deps.onFailure,
  });
}

type Done = "counted" | "archived";
/** The archive reads all partitions of the topic, at its own pace. */
const archivesAheadBytesMax = 2 << 20;

async function onKafka(config: Config, deps: OpenLogDeps, done: Done = "counted"): Promise<Log> {
  const { openKafkaLog } = await import("../log/kafka/kafka.ts");
  return openKafkaLog(kafkaLogOptions(config, deps, done));
}

export function kafkaLogOptions(
  config: Config,
  { clock, report, gap, signal }: OpenLogDeps,
  done: Done,
): KafkaLogOptions {
  const { kafkaTopic, kafkaPartitions, kafkaReplication, kafkaGap } = config;
  return {
    address: addressOf(config),
    topic: { name: kafkaTopic, partitions: kafkaPartitions, replication: kafkaReplication },
    group: config.kafkaGroup,
    ...(done === "counted" && hasRole(config, "processor", "query") && isShared(config)
      ? { sharing: { instance: folderId(config.dataDir), sessionMs: config.kafkaSessionMs } }
      : {}),
    compression: config.kafkaCompression,
    futureMaxMs: config.futureMaxMs,
    ...(done === "archived" ? { aheadBytesMax: archivesAheadBytesMax } : {}),
    // Of bodies no more are in memory, and what they are packed into is smaller, as a rule: so it is their bound that is met.
    inFlightBytesMax: config.inflightBytesMax,
    clock,
    report,
    skipsGap: (place) => {
      if (kafkaGap === "stop") return false;
      gap(place.to - place.from);
      report("error", `records were deleted before they were ${done}; going on without them`, place);
      return true;
    },
    ...(signal === undefined ? {} : { signal }),
  };
}

/** What is counted, and by which rules, is where other processes have it as well: they may divide the partitions. */
const isShared = ({ clickhouseUrl, mongoUrl }: Config): boolean => clickhouseUrl !== null && mongoUrl !== null;

/** A reader of its own for the archive, with a group of its own. It passes over what was deleted, and says so. */
export function openArchivesLog(config: Config, deps: OpenLogDeps): Promise<Log> {
  return onKafka({ ...config, kafkaGroup: `${config.kafkaGroup}-archive`, kafkaGap: "skip" }, deps, "archived");
}

function addressOf(config: Config): KafkaAddress {
  const { kafkaBrokers, kafkaTls, kafkaCa } = config;
  const ca = kafkaCa === null ? {} : { ca: certificatesIn("--kafka-ca", kafkaCa) };
  return { brokers: kafkaBrokers, ...(kafkaTls === "on" ? { tls: ca } : {}), ...loginOf(config) };
}

const mechanisms = { plain: "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512" } as const;

function loginOf({ kafkaSasl, kafkaUser, kafkaPassword }: Config): Pick<KafkaAddress, "sasl"> {
  if (kafkaSasl === "off" || kafkaUser === null || kafkaPassword === null) return {};
  return { sasl: { mechanism: mechanisms[kafkaSasl], username: kafkaUser, password: kafkaPassword } };
}
