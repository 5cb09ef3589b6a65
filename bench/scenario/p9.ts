import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "../../test/support/server-process.ts";
import { postCounted } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { probeEvent } from "../lib/rules.ts";
import { ms, table, whole } from "../lib/report.ts";
import type { LoadOrder } from "../load/protocol.ts";
import { runLoad } from "../load/run-load.ts";

const slice = 10;

/** From the start of the process to its ready line: empty, and after a kill -9 with events stored and in the log. */
export async function p9(options: BenchOptions): Promise<string> {
  return withServer({ ...options, cpuProfile: false }, async ({ server, dataDir }) => {
    await putBenchRules(server.queryUrl);
    const events = await fill(server.ingestUrl, options);
    const last = runLoad(order(server.ingestUrl, 0, options));
    await pause(3000);
    await server.killGroup();
    last.command({ type: "stop" });
    await last.result;
    const again = await startServer({ dataDir, args: ["--log-level", "warn"] });
    try {
      const countedFrom = performance.now();
      await postCounted(again.ingestUrl, [probeEvent(crypto.randomUUID())]);
      const countedMs = performance.now() - countedFrom;
      options.note(`P9: empty ${ms(server.readyMs)}; after a kill with ${whole(events)} events ${ms(again.readyMs)}`);
      const rows = [
        ["empty", ms(server.readyMs), "–"],
        [`kill -9 under load with ${whole(events)} events`, ms(again.readyMs), ms(countedMs)],
      ];
      return `Reach: ≤ 2 s empty, ≤ 5 s after a kill with 10 M events.\n\n${table(["start", "to ready", "then to the backlog counted"], rows)}`;
    } finally {
      await again.killGroup();
    }
  });
}

/** Sends at a rate that the whole path keeps up with until there are enough. */
async function fill(url: string, options: BenchOptions): Promise<number> {
  let events = 0;
  for (let seed = 1; events < options.events; seed++) {
    const result = await runLoad(order(url, seed, options)).result;
    events += result.events;
    if (result.events === 0) throw new Error("nothing was acknowledged");
  }
  return events;
}

function order(url: string, seed: number, options: BenchOptions): LoadOrder {
  const shape = { seed: (Date.now() + seed) >>> 0, bodies: 200, eventsPerRequest: 1000 };
  const requestsPerSecond = (options.rate ?? 200_000) / 1000;
  return { url, shape, connections: 8, requestsPerSecond, warmUpSeconds: 0, seconds: slice };
}
