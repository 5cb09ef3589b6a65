import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Clock } from "../lib/clock.ts";
import { Rate } from "./rate.ts";

const quick = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const amounts = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

interface Declared {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: `weir_${string}`;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** Every metric of Weir. Seconds, bytes and events; docs/operating.md lists the same table. */
export const declaredMetrics = {
  ingestAccepted: {
    type: "counter",
    name: "weir_ingest_accepted_events_total",
    help: "Events acknowledged as durable, repeats included",
  },
  ingestRefused: {
    type: "counter",
    name: "weir_ingest_refused_events_total",
    help: "Events refused because they break the contract",
  },
  ingestBodyBytes: { type: "counter", name: "weir_ingest_body_bytes_total", help: "Bytes of request bodies, decoded" },
  httpRequests: {
    type: "counter",
    name: "weir_http_requests_total",
    help: "Requests answered, by route and class of status",
    labels: ["route", "method", "status"],
  },
  httpSeconds: {
    type: "histogram",
    name: "weir_http_request_seconds",
    help: "From the request's headers to the answer",
    labels: ["route"],
    buckets: quick,
  },
  logAppendSeconds: {
    type: "histogram",
    name: "weir_log_append_seconds",
    help: "How long events waited to become durable",
    buckets: quick,
  },
  logBytes: {
    type: "gauge",
    name: "weir_log_bytes",
    help: "Size of the log's kept records; on Kafka of what waits to be acknowledged",
  },
  logBytesMax: {
    type: "gauge",
    name: "weir_log_bytes_max",
    help: "Size at which the log takes no more; on Kafka --inflight-bytes-max",
  },
  logGapRecords: {
    type: "counter",
    name: "weir_log_gap_records_total",
    help: "Records that Kafka had deleted before they were counted, and that were passed over (--kafka-gap skip)",
  },
  logAccepting: {
    type: "gauge",
    name: "weir_log_accepting",
    help: "1 while the log takes events, 0 while it refuses them",
  },
  diskFreeBytes: {
    type: "gauge",
    name: "weir_disk_free_bytes",
    help: "What the disk of the data folder has left, where the log is the embedded one",
  },
  lagSeconds: {
    type: "gauge",
    name: "weir_lag_seconds",
    help: "How long the oldest event that is not counted has waited",
  },
  rulesFull: {
    type: "gauge",
    name: "weir_rules_at_group_bound",
    help: "Rules that have as many groups as they may; events of further groups go to their overflow",
  },
  countedEvents: {
    type: "counter",
    name: "weir_counted_events_total",
    help: "Events stored and counted in every rule",
  },
  duplicateEvents: {
    type: "counter",
    name: "weir_duplicate_events_total",
    help: "Events whose id was known; not counted again",
  },
  batchEvents: { type: "histogram", name: "weir_batch_events", help: "Events counted at a time", buckets: amounts },
  batchBytes: { type: "counter", name: "weir_batch_bytes_total", help: "Bytes of the events counted" },
  stageSeconds: {
    type: "histogram",
    name: "weir_batch_stage_seconds",
    help: "Duration of a batch's stages",
    labels: ["stage"],
    buckets: quick,
  },
  stageRetries: {
    type: "counter",
    name: "weir_batch_retries_total",
    help: "Stages of a batch done again after the store failed, or was not there; `ask`: questions to it, and for the rules",
    labels: ["stage"],
  },
  rejectedEvents: {
    type: "counter",
    name: "weir_rejected_events_total",
    help: "Events that the store refused and that were set aside",
  },
  rulesStopped: {
    type: "counter",
    name: "weir_rules_stopped_total",
    help: "Rules that were paused by the server, as the store refused to compute them or they could not be read",
  },
  partitions: {
    type: "gauge",
    name: "weir_partitions",
    help: "Partitions of the log that this process counts now",
  },
  partitionsBroken: {
    type: "gauge",
    name: "weir_partitions_broken",
    help: "Partitions of this process that nobody counts, since their log can't be read on (log_gap, log_damaged): 0 is well",
  },
  partitionsTaken: {
    type: "counter",
    name: "weir_partitions_taken_total",
    help: "How often another process has claimed a partition that this one was still counting",
  },
  rejects: { type: "gauge", name: "weir_rejects", help: "Events in quarantine now: see /rejects" },
  archivedEvents: {
    type: "counter",
    name: "weir_archived_events_total",
    help: "Events put into the archive; again after a restart, some that were there",
  },
  archiveGapRecords: {
    type: "counter",
    name: "weir_archive_gap_records_total",
    help: "Records that Kafka had deleted before they were archived, and that the archive lacks",
  },
  archiveLagSeconds: {
    type: "gauge",
    name: "weir_archive_lag_seconds",
    help: "How long the oldest event that is not in the archive may have waited",
  },
  engineUp: { type: "gauge", name: "weir_engine_up", help: "1 while the engine answers" },
  engineRestarts: {
    type: "gauge",
    name: "weir_engine_restarts",
    help: "How often the engine has been started again since the start",
  },
  damagedParts: {
    type: "gauge",
    name: "weir_damaged_parts",
    help: "Parts of the store that are known to be damaged: /status names them",
  },
  liveClients: { type: "gauge", name: "weir_live_clients", help: "Live connections" },
  liveFrames: { type: "counter", name: "weir_live_frames_total", help: "Messages pushed to live connections" },
  liveBytes: { type: "counter", name: "weir_live_bytes_total", help: "Bytes pushed to live connections" },
} as const satisfies Readonly<Record<string, Declared>>;

type Key = keyof typeof declaredMetrics;
type KeysOf<T extends Declared["type"]> = {
  [K in Key]: (typeof declaredMetrics)[K]["type"] extends T ? K : never;
}[Key];

/** What is asked anew for each scrape. A source that fails leaves its gauge at the last value. */
export type GaugeSources = Readonly<Partial<Record<KeysOf<"gauge">, () => number | Promise<number>>>>;

/**
 * The process's numbers. The groups are what the services take as their narrow interfaces; `text` is the answer of
 * `/metrics`, `rates` are for `/status`.
 */
export interface Metrics {
  readonly ingest: {
    accepted(events: number): void;
    refused(events: number): void;
    body(bytes: number): void;
  };
  readonly http: { answered(facts: { route: string; method: string; status: number; seconds: number }): void };
  readonly log: { appended(seconds: number): void; gap(records: number): void };
  readonly processor: {
    batch(facts: { events: number; duplicates: number; bytes: number }): void;
    stage(stage: string, seconds: number): void;
    retried(stage: string, error: unknown): void;
    rejected(events: number): void;
    ruleStopped(): void;
    taken(): void;
  };
  readonly archive: { archived(events: number): void; gap(records: number): void };
  readonly live: { pushed(frames: number, bytes: number): void };
  /** Other processes have counted so many events: in `rates`, not in this process's totals. */
  readonly countedElsewhere: (events: number) => void;
  /** Adds what is asked at each scrape. */
  watch(sources: GaugeSources): void;
  /** Events per second over the last ten seconds. */
  rates(): { readonly accepted: number; readonly counted: number };
  /** Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(clock: Clock): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const sources = new Map<Key, () => number | Promise<number>>();
  const meters = buildMeters(registry, sources);
  const rates = { accepted: new Rate(clock), counted: new Rate(clock) };
  return {
    ingest: {
      accepted: (events) => (meters.counter("ingestAccepted").inc(events), rates.accepted.add(events)),
      refused: (events) => meters.counter("ingestRefused").inc(events),
      body: (bytes) => meters.counter("ingestBodyBytes").inc(bytes),
    },
    http: {
      answered: ({ route, method, status, seconds }) => {
        meters.counter("httpRequests").inc({ route, method, status: `${Math.floor(status / 100)}xx` });
        meters.histogram("httpSeconds").observe({ route }, seconds);
      },
    },
    log: {
      appended: (seconds) => meters.histogram("logAppendSeconds").observe(seconds),
      gap: (records) => meters.counter("logGapRecords").inc(records),
    },
    processor: {
      batch: ({ events, duplicates, bytes }) => {
        meters.counter("countedEvents").inc(events);
        meters.counter("duplicateEvents").inc(duplicates);
        meters.counter("batchBytes").inc(bytes);
        meters.histogram("batchEvents").observe(events);
        rates.counted.add(events);
      },
      stage: (stage, seconds) => meters.histogram("stageSeconds").observe({ stage }, seconds),
      retried: (stage) => meters.counter("stageRetries").inc({ stage }),
      taken: () => meters.counter("partitionsTaken").inc(),
      ruleStopped: () => meters.counter("rulesStopped").inc(),
      rejected: (events) => meters.counter("rejectedEvents").inc(events),
    },
    archive: {
      archived: (events) => meters.counter("archivedEvents").inc(events),
      gap: (records) => meters.counter("archiveGapRecords").inc(records),
    },
    live: {
      pushed: (frames, bytes) => (meters.counter("liveFrames").inc(frames), meters.counter("liveBytes").inc(bytes)),
    },
    countedElsewhere: (events) => rates.counted.add(events),
    watch: (added) => {
      for (const [key, source] of Object.entries(added) as [Key, () => number | Promise<number>][])
        sources.set(key, source);
    },
    rates: () => ({ accepted: rates.accepted.perSecond(), counted: rates.counted.perSecond() }),
    text: () => registry.metrics(),
  };
}

interface Meters {
  counter(key: KeysOf<"counter">): Counter;
  histogram(key: KeysOf<"histogram">): Histogram;
}

function buildMeters(registry: Registry, sources: ReadonlyMap<Key, () => number | Promise<number>>): Meters {
  const counters = new Map<Key, Counter>();
  const histograms = new Map<Key, Histogram>();
  for (const [key, declared] of Object.entries(declaredMetrics) as [Key, Declared][]) {
    const common = {
      name: declared.name,
      help: declared.help,
      labelNames: [...(declared.labels ?? [])],
      registers: [registry],
    };
    if (declared.type === "counter") counters.set(key, new Counter(common));
    else if (declared.type === "histogram")
      histograms.set(key, new Histogram({ ...common, buckets: [...(declared.buckets ?? quick)] }));
    else addGauge(common, () => sources.get(key));
  }
  // Each key of a kind was set by the loop above.
  return { counter: (key) => counters.get(key)!, histogram: (key) => histograms.get(key)! };
}

/** A gauge without a source says nothing rather than 0. */
function addGauge(
  common: { name: string; help: string; registers: Registry[] },
  source: () => (() => number | Promise<number>) | undefined,
): void {
  const gauge: Gauge = new Gauge({
    ...common,
    collect: async () => {
      const ask = source();
      if (ask === undefined) return gauge.remove();
      try {
        gauge.set(await ask());
      } catch {
        // The last value stays: a part that can't say is no reason to lose the whole scrape.
      }
    },
  });
}
