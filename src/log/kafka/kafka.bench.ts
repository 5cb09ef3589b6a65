import { Producer } from "@platformatic/kafka";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import { pack, unpack } from "../../event/packed.ts";
import type { PackedEvents } from "../../event/packed.ts";
import { offset } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import { openKafkaLog } from "./kafka.ts";
import type { Compression } from "./sender.ts";

/**
 * What a packed record saves against one event a record, on one real broker on this machine; for docs/decisions/0025.
 *
 *     node src/log/kafka/kafka.bench.ts [events per line, default 400000]
 *
 * `cpu` is this process's, without the broker's. Requests of so many events, 16 in flight.
 */
const total = Number(process.argv[2] ?? 400_000);
const inFlight = 16;
const payload = JSON.stringify({ country: "DE", amount: 12.25, text: "x".repeat(60) });

const cluster = await startCluster(1);
try {
  console.log(`${"".padEnd(52)}  events/s   cpu µs/event`);
  for (const size of [100, 1_000, 10_000]) await ours(size, "none");
  for (const codec of ["lz4", "zstd", "gzip"] as const) await ours(1_000, codec);
  for (const codec of ["none", "lz4"] as const) await singles(codec);
} finally {
  await cluster.stop();
}

async function opened(name: string, compression: Compression): Promise<Log> {
  return openKafkaLog({
    address: { brokers: cluster.addresses },
    topic: { name, partitions: 3, replication: 1 },
    group: "bench",
    compression,
    futureMaxMs: 86_400_000,
    clock: systemClock,
    report: () => {},
  });
}

async function ours(size: number, codec: Compression): Promise<void> {
  const log = await opened(`packed-${size}-${codec}`, codec);
  const requests = Array.from({ length: 64 }, (_, i) => eventsOf(i * size, size));
  await log.append(requests[0]!);
  await measured(`packed, requests of ${size}, ${codec}: append`, total, () =>
    parallel(total / size, (i) => log.append(requests[i % requests.length]!)),
  );
  await measured(`packed, requests of ${size}, ${codec}: read`, total, () => readAll(log));
  await log.close();
}

/** The same events, each a record of JSON, as another producer would send them: 1,000 a request to one partition. */
async function singles(codec: Compression): Promise<void> {
  const topic = `single-${codec}`;
  const log = await opened(topic, codec);
  const bootstrapBrokers = [...cluster.addresses];
  const producer = new Producer({ clientId: "bench", bootstrapBrokers, idempotent: true, compression: codec });
  const size = 1_000;
  const values = unpack(eventsOf(0, size)).map((event) =>
    Buffer.from(JSON.stringify({ ...event, payload: JSON.parse(event.payload) as unknown })),
  );
  await measured(`one event a record, batches of ${size}, ${codec}: send`, total, async () => {
    for (let sent = 0; sent < total; sent += size)
      await producer.send({ messages: values.map((value) => ({ topic, partition: (sent / size) % 3, value })) });
  });
  await measured(`one event a record, batches of ${size}, ${codec}: read`, total, () => readAll(log));
  await producer.close();
  await log.close();
}

async function readAll(log: Log): Promise<void> {
  let found = 0;
  for (const [source, end] of await log.ends()) {
    for (let from = offset(0); from < end;) {
      const records = await log.read(
        { src: source, off: from },
        { bytesMax: 48 << 20, eventsMax: 200_000, waitMs: 5_000 },
      );
      found += records.reduce((sum, record) => sum + record.events.count, 0);
      from = offset(records.at(-1)!.to + 1);
    }
  }
  if (found < total) throw new Error(`only ${found} of ${total} were read`);
}

async function parallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

async function measured(name: string, events: number, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = Math.round(events / seconds).toLocaleString("en");
  console.log(`${name.padEnd(52)} ${rate.padStart(9)} ${((user + system) / events).toFixed(2).padStart(14)}`);
}

function eventsOf(first: number, count: number): PackedEvents {
  return pack(
    Array.from({ length: count }, (_, i) => ({
      event_id: `e-${String(first + i).padStart(10, "0")}`,
      event_type: "click",
      user_id: `user_${(first + i) % 5000}`,
      timestamp: 1_768_000_000_000 + i,
      payload,
    })),
  );
}
