import { compatibilityPartitioner, Producer } from "@platformatic/kafka";
import { Durations } from "./durations.ts";
import { loadEvent } from "./events.ts";
import type { Run } from "./events.ts";
import type { Sent } from "./send-http.ts";
import type { Settings } from "./settings.ts";

/** Events of the way `http` that come over Kafka as well: they must be counted once. */
export const crossedMax = 1000;

/**
 * Writes the events of the way `kafka` into the topic, as programs do that know nothing of Weir: plain JSON, an event a record, the
 * event's id as the key, Kafka's own partitioner.
 */
export async function sendKafka(run: Run, { brokers, topic, events, batch }: Settings): Promise<Sent> {
  const producer = new Producer({
    ...{ clientId: "weir-load-test", bootstrapBrokers: [...brokers], idempotent: true },
    ...{ partitioner: compatibilityPartitioner, retries: 20, retryDelay: 500 },
  });
  const requests = new Durations();
  const startedAt = performance.now();
  try {
    for (let from = 0; from < events; from += batch) {
      const messages = Array.from({ length: Math.min(batch, events - from) }, (_, i) =>
        messageOf(topic, loadEvent(run, "kafka", from + i)),
      );
      const sentAt = performance.now();
      await producer.send({ messages });
      requests.add(performance.now() - sentAt);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const crossed = Array.from({ length: Math.min(crossedMax, events) }, (_, i) => loadEvent(run, "http", i));
    await producer.send({ messages: crossed.map((event) => messageOf(topic, event)) });
    return { events, repeated: crossed.length, seconds, requests };
  } finally {
    await producer.close();
  }
}

const messageOf = (topic: string, event: ReturnType<typeof loadEvent>) => ({
  topic,
  key: Buffer.from(event.event_id),
  value: Buffer.from(JSON.stringify(event)),
});
