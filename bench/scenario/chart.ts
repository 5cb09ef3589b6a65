import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { postCounted, putRule } from "../../test/support/api.ts";
import { root } from "../../test/support/built-client.ts";
import { firstChartMs, openChromium } from "../../test/support/chromium.ts";
import { type BenchOptions, withServer } from "../lib/bench-server.ts";
import { probeEvent } from "../lib/rules.ts";
import { ms } from "../lib/report.ts";

const turns = 20;

/** From the opening of a rule's page in Chromium to its chart, the browser's start left out; scripts are compiled anew each time. */
export async function chart(options: BenchOptions): Promise<string> {
  await promisify(execFile)(process.execPath, [`${root}scripts/build-web.mjs`]);
  return withServer(options, async ({ server }) => {
    await putRule(server.queryUrl, { rule_id: "ticks", window_size: "1m", metric: "count" });
    await postCounted(server.ingestUrl, [probeEvent(crypto.randomUUID())]);
    const browser = await openChromium();
    const times: number[] = [];
    try {
      for (let turn = 0; turn < turns; turn++)
        times.push(await firstChartMs(browser, `${server.queryUrl}/#/rules/ticks`));
    } finally {
      await browser.close();
    }
    const sorted = times.toSorted((a, b) => a - b);
    const figures = [sorted[turns >> 1]!, sorted.at(-1)!].map(ms).join(", ");
    options.note(`first chart: ${figures}`);
    return `Reach: ≤ 1 s on loopback. A browser that has never been there, ${turns} times: p50, max: ${figures}.`;
  });
}
