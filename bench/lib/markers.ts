import { setTimeout as pause } from "node:timers/promises";
import type { Mode } from "../../test/faults/sockets/order.ts";
import { Assembler, type ExactMessage } from "../../test/support/assembler.ts";
import type { Latency } from "../load/protocol.ts";
import { Durations } from "./latency.ts";
import { probeEvent } from "./rules.ts";

/** The rule that shows which markers are counted. */
export const markerRule = {
  rule_id: "markers",
  window_size: "10s",
  metric: "count",
  group_by: ["payload.marker"],
  active: true,
};

const markerEveryMs = 130;

export interface Watching {
  /** Default 50. */
  readonly intervalMs?: number;
  /** Default `plain`. In the mode `delta` what comes has to be as the protocol says, or the bench ends. */
  readonly mode?: Mode;
}

export interface Pushed {
  readonly latency: Latency;
  readonly sent: number;
  readonly missing: number;
}

/**
 * Sends markers for so long, at uneven moments, so that they do not walk in step with the server's ticks: how long each
 * takes from its acknowledgement to the push. `markerRule` must be there.
 */
export async function markers(
  ingestUrl: string,
  queryUrl: string,
  seconds: number,
  watching: Watching = {},
): Promise<Pushed> {
  const run = crypto.randomUUID();
  const seen = new Map<string, number>();
  const socket = await subscribe(queryUrl, watching, (name) => seen.has(name) || seen.set(name, performance.now()));
  const acknowledged = new Map<string, number>();
  const end = performance.now() + (seconds - 2) * 1000;
  for (let index = 0; performance.now() < end; index++) {
    const name = `${run}-${index}`;
    await send(ingestUrl, name);
    acknowledged.set(name, performance.now());
    await pause(markerEveryMs * (0.5 + Math.random()));
  }
  await pause(2000);
  socket.close();
  const durations = new Durations();
  // A push may overtake the acknowledgement by a moment.
  for (const [name, at] of acknowledged) if (seen.has(name)) durations.add(Math.max(0, (seen.get(name) ?? 0) - at));
  return { latency: durations.summary(), sent: acknowledged.size, missing: acknowledged.size - durations.count };
}

async function send(ingestUrl: string, name: string): Promise<void> {
  const body = JSON.stringify([probeEvent(crypto.randomUUID(), name)]);
  const response = await fetch(`${ingestUrl}/ingest`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  if (!response.ok) throw new Error(`a marker was refused: ${response.status} ${await response.text()}`);
  await response.text();
}

function subscribe(
  queryUrl: string,
  { intervalMs = 50, mode = "plain" }: Watching,
  seen: (marker: string) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`${queryUrl.replace("http", "ws")}/live-stats`);
  const read = mode === "plain" ? pushedMarkers : exactMarkers();
  socket.addEventListener("message", ({ data }) => read(JSON.parse(String(data))).forEach(seen));
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("the subscriber could not connect")));
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ subscribe_rules: [markerRule.rule_id], mode, interval_ms: intervalMs }));
      resolve(socket);
    });
  });
}

type ReadMarkers = (message: unknown) => string[];

const pushedMarkers: ReadMarkers = (message) => {
  const { data = [] } = message as { readonly data?: readonly (readonly unknown[])[] };
  return data.map((row) => String(row[1]));
};

function exactMarkers(): ReadMarkers {
  const assembler = new Assembler();
  assembler.subscribe(markerRule.rule_id);
  return (message) => {
    assembler.take(message as ExactMessage);
    const { rows = [] } = message as { readonly rows?: readonly Readonly<Record<string, unknown>>[] };
    return rows.map((row) => String(row["payload.marker"]));
  };
}
