import { ConfigResourceTypes } from "@platformatic/kafka";
import type { Admin, ClusterTopicMetadata } from "@platformatic/kafka";
import { WeirError } from "../../lib/errors.ts";
import { Said } from "./faults.ts";
import { answered, nameOf } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { fetchCall } from "./fetch.ts";
import { recordBounds } from "./partition-of.ts";

/** The topic as it is configured. */
export interface TopicWish {
  readonly name: string;
  /** Null: as it is, or `partitionsWhenMade`. */
  readonly partitions: number | null;
  /** Null: as it is, or three where there are so many brokers. */
  readonly replication: number | null;
}

export interface TellTopic {
  made(partitions: number, replication: number): void;
  /** It has replicas and does not wait for any of them. */
  risky(): void;
  /** Its records have the times that whoever wrote them has said. */
  others(timestampType: string): void;
  /** It does not take records as large as ours may become. */
  tight(bytesMax: number): void;
}

/** What lies around the events of a record, and is no more than that. */
const frameBytesMax = 1_000;
const timestampType = "message.timestamp.type";
export const partitionsWhenMade = 6;
const replicationWanted = 3;

/**
 * One attempt to find the topic as wished, or to make it. Rejects with what the client throws where a later one may succeed.
 * @throws WeirError `invalid_config` for a topic that is not as wished, and brokers that it could not be read from.
 */
export async function findOrMakeTopic(
  admin: Admin,
  address: KafkaAddress,
  wish: TopicWish,
  tell: TellTopic,
): Promise<ClusterTopicMetadata> {
  await mustBeReadable(admin, address);
  const found = await findTopic(admin, wish.name);
  if (found === undefined) {
    await makeTopic(admin, eventsTopic(wish), tell.made);
    throw new Error(`the topic ${wish.name} was made and is not there yet`);
  }
  mustBeAsWished(found, address, wish);
  await mustKeepRecords(admin, address, found, wish.name, tell);
  return found;
}

/** An older broker takes what is written, and cuts the connection at each fetch. */
async function mustBeReadable(admin: Admin, at: KafkaAddress): Promise<void> {
  const { apiKey, version } = fetchCall;
  const { maxVersion = 0 } = (await admin.listApis()).find((api) => api.apiKey === apiKey) ?? {};
  if (maxVersion >= version) return;
  throw new WeirError(
    "invalid_config",
    `${nameOf(at)}: Weir needs Kafka 3.1 or newer, and this broker is older: it takes fetches up to version ${maxVersion}, not ${version}; name newer brokers by --kafka-brokers, or bring these to a newer Kafka`,
  );
}

async function findTopic(admin: Admin, name: string): Promise<ClusterTopicMetadata | undefined> {
  const names = await admin.listTopics();
  if (!names.includes(name)) return undefined;
  const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
  return topics.get(name);
}

/** Of our own making: a record's time is when the log has it, and an acknowledged event outlives the loss of a broker. */
const eventsTopic = ({ name, partitions, replication }: TopicWish): NewTopic => ({
  name,
  partitions: partitions ?? partitionsWhenMade,
  replication,
  configs: (replicas) => ({
    "cleanup.policy": "delete",
    // By the log's clock: what others' clocks say decides nothing.
    [timestampType]: "LogAppendTime",
    "min.insync.replicas": String(Math.min(2, replicas)),
  }),
});

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** Null: three where there are so many brokers. */
  readonly replication: number | null;
  readonly configs: (replicas: number) => Readonly<Record<string, string>>;
}

/**
 * Tells when it has made it; somebody else may have, meanwhile.
 * @throws Said where there are fewer brokers than replicas are wanted.
 */
export async function makeTopic(
  admin: Admin,
  { name, partitions, replication, configs }: NewTopic,
  made: TellTopic["made"],
): Promise<void> {
  const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
  const replicas = replication ?? Math.min(replicationWanted, brokers.size);
  const configured = Object.entries(configs(replicas)).map(([key, value]) => ({ name: key, value }));
  try {
    await admin.createTopics({ topics: [name], partitions, replicas, configs: configured });
    made(partitions, replicas);
  } catch (error) {
    if (answered(error, "TOPIC_ALREADY_EXISTS")) return;
    if (answered(error, "INVALID_REPLICATION_FACTOR"))
      throw new Said(
        `the topic ${name} can't be made with ${replicas} replicas, as there are ${brokers.size} brokers; start the others, or lower --kafka-replication`,
        { cause: error },
      );
    throw error;
  }
}

function mustBeAsWished(
  { partitions, partitionsCount }: ClusterTopicMetadata,
  at: KafkaAddress,
  wish: TopicWish,
): void {
  const replication = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const wrong: string[] = [];
  if (wish.partitions !== null && partitionsCount !== wish.partitions)
    wrong.push(
      `it has ${partitionsCount} partitions, and --kafka-partitions says ${wish.partitions}; say ${partitionsCount} or leave the option out (adding partitions to a topic in use separates repeats from their originals)`,
    );
  if (wish.replication !== null && replication < wish.replication)
    wrong.push(
      `it has ${replication} replicas, and --kafka-replication says ${wish.replication}; add replicas (kafka-reassign-partitions) or lower the option`,
    );
  refuse(at, wish.name, wrong);
}

/** A topic that is compacted throws events away; one that acknowledges with one replica may lose them, and one of small records refuses them. */
async function mustKeepRecords(
  admin: Admin,
  at: KafkaAddress,
  { partitions }: ClusterTopicMetadata,
  name: string,
  tell: TellTopic,
): Promise<void> {
  const configurationKeys = ["cleanup.policy", "min.insync.replicas", "max.message.bytes", timestampType];
  const [found] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys }],
  });
  const valueOf = (key: string): string => found?.configs.find((config) => config.name === key)?.value ?? "";
  if (valueOf("cleanup.policy").includes("compact"))
    refuse(at, name, [
      `its cleanup.policy is ${valueOf("cleanup.policy")}, which throws events away; set it to delete`,
    ]);
  if (valueOf("min.insync.replicas") === "1" && partitions.every(({ replicas }) => replicas.length > 1)) tell.risky();
  if (valueOf(timestampType) === "CreateTime") tell.others(valueOf(timestampType));
  const largest = Number(valueOf("max.message.bytes") || Infinity);
  if (largest < recordBounds.bytesMax + frameBytesMax) tell.tight(largest);
}

function refuse(address: KafkaAddress, name: string, wrong: readonly string[]): void {
  if (wrong.length === 0) return;
  throw new WeirError("invalid_config", `${nameOf(address)}: the topic ${name} can't be used: ${wrong.join("; ")}`);
}
