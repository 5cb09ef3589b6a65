import { Durations } from "./latency.ts";
import type { Latency } from "../load/protocol.ts";
import { probeEvent } from "./rules.ts";

/** How long acknowledged events wait until they are counted, seen from outside. */
export interface Probe {
  /** Age of the oldest probe that is not counted yet, ms; 0 when there is none. */
  lagMs(): number;
  /** Ends probing; resolves when the last probe is counted. */
  stop(): Promise<Latency & { readonly drainMs: number }>;
}

const everyMs = 250;

/** Sends one event every quarter of a second with `wait=counted`. */
export function probe(ingestUrl: string): Probe {
  const underWay = new Map<number, Promise<void>>();
  const durations = new Durations();
  let made = 0;
  const timer = setInterval(() => {
    if (underWay.size > 40) return;
    const sentAt = performance.now();
    const sending = sendCounted(ingestUrl, made++).then(
      () => (durations.add(performance.now() - sentAt), void underWay.delete(sentAt)),
    );
    underWay.set(sentAt, sending);
  }, everyMs);
  timer.unref();
  return {
    lagMs: () => performance.now() - Math.min(performance.now(), ...underWay.keys()),
    stop: async () => {
      clearInterval(timer);
      const stoppedAt = performance.now();
      await Promise.all(underWay.values());
      await sendCounted(ingestUrl, made++);
      return { ...durations.summary(), drainMs: performance.now() - stoppedAt };
    },
  };
}

const run = crypto.randomUUID();

async function sendCounted(ingestUrl: string, index: number): Promise<void> {
  const body = JSON.stringify([probeEvent(`${run}-${index}`)]);
  const request = { method: "POST", headers: { "content-type": "application/json" }, body };
  for (;;) {
    // A probe that fails is sent again under the same id: how long it takes is what is measured.
    const response = await fetch(`${ingestUrl}/ingest?wait=counted`, request).catch(() => null);
    await response?.text().catch(() => "");
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
