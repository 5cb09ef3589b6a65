import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { postCounted, putRule } from "../test/support/api.ts";
import { type BuiltClient, buildClient } from "../test/support/built-client.ts";
import { missingChromium, openChromium } from "../test/support/chromium.ts";
import { openMovingAddress } from "../test/support/moving-address.ts";
import type { LoopbackServer } from "../test/support/loopback.ts";
import { openOneOrigin } from "../test/support/one-origin.ts";
import { startServer, type ServerProcess } from "../test/support/server-process.ts";
import { useClient } from "../test/support/used-client.ts";

/** A page that has the client. */
const page = `<!doctype html><title>t</title><link rel="icon" href="data:,"><pre id="out"></pre>
<script type="module">
import { Weir, WeirError } from "/dist/weir.js";
Object.assign(window, { Weir, WeirError });
</script>`;

/** How long is waited for what does not come, before it is said what came instead. */
const patienceMs = 60_000;

// Run in the page: over a socket and over events.
const follow = (queryUrl: string): string => `{
  const weir = new Weir({ queryUrl: ${JSON.stringify(queryUrl)} });
  const shown = {};
  for (const over of ["socket", "events"])
    weir.subscribe("r", ({ status, rows, error }) => {
      shown[over] = status + " " + (error ?? rows.map(({ value }) => value).join());
      document.querySelector("#out").textContent = Object.values(shown).join("; ");
    }, { over, intervalMs: 50 });
}`;

/** All of the client on one page: a rule is made, followed by a loop, and fed; one event of four is none. */
const useAll = `(async () => {
  const weir = new Weir({ ingestUrl: "/", queryUrl: "/" });
  const rule = { rule_id: "by_type", window_size: "1h", metric: "sum", field: "payload.price", group_by: ["event_type"] };
  const { version } = await weir.rules.put(rule, { ifNew: true });
  // Until then no window is final.
  while ((await weir.rules.get("by_type")).state !== "live") await new Promise((resolve) => setTimeout(resolve, 20));
  const from = "2026-01-13T00:00:00Z";
  const event = (event_type, price) => ({ user_id: "ann", event_type, timestamp: new Date("2026-01-13T10:00:00Z"), payload: { price } });
  const events = [event("click", 1), event("order", 20), event("", 5), event("order", 22)];
  let state;
  const isWhole = ({ status, rows }) =>
    status === "live" && rows.reduce((sum, { value }) => sum + value, 0) === 43 && rows.every(({ final }) => final);
  const follow = async () => {
    for await (state of weir.live("by_type", { from, intervalMs: 50, signal: AbortSignal.timeout(${patienceMs}) }))
      if (isWhole(state)) return state.rows;
  };
  const heard = follow().catch((error) => {
    throw new Error(error + "; the last that came is " + JSON.stringify(state));
  });
  const [{ problems, ...counts }, live] = await Promise.all([weir.ingest(events, { wait: "counted" }), heard]);
  const rows = [];
  for await (const row of weir.stats.rows({ rule: "by_type", from })) rows.push(row);
  const conflict = await weir.rules.patch("by_type", { top_n: 1 }, { ifMatch: 7 }).catch((error) => error);
  const listed = (await weir.rules.list()).map(({ rule_id }) => rule_id);
  weir.close();
  return {
    version, counts, rows, live, listed,
    refused: problems.map(({ index, problems: [{ path }] }) => [index, path]),
    conflict: [conflict instanceof WeirError, conflict.code],
  };
})()`;

const askAcross = (queryUrl: string): string =>
  `new Weir({ queryUrl: ${JSON.stringify(queryUrl)} }).rules.list().catch(({ code, message }) => code + ": " + message)`;

interface Used {
  readonly rows: readonly Record<string, unknown>[];
  readonly live: readonly Record<string, unknown>[];
  readonly [name: string]: unknown;
}

describe("the built client", { skip: missingChromium }, () => {
  let built: BuiltClient;
  let dataDir: string;
  let origin: LoopbackServer;
  let server: ServerProcess;
  let browser: Browser;
  const errors: unknown[] = [];

  const own = (path: string, answer: ServerResponse): boolean => {
    if (path === "/") answer.setHeader("content-type", "text/html").end(page);
    else if (path.startsWith("/dist/"))
      answer
        .setHeader("content-type", "text/javascript")
        .end(readFileSync(join(built.dist, path.slice("/dist/".length))));
    else return false;
    return true;
  };
  /** The page under another name is of another origin; that one alone is named to the server. */
  const allowed = (): string => origin.url.replace("127.0.0.1", "localhost");
  const openPage = async (url: string): Promise<Page> => {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(120_000);
    tab.on("pageerror", (error) => errors.push(error));
    await tab.goto(url);
    return tab;
  };

  before(async () => {
    built = await buildClient();
    dataDir = await mkdtemp(join(tmpdir(), "weir-browser-"));
    origin = await openOneOrigin({ ingestUrl: () => server.ingestUrl, queryUrl: () => server.queryUrl, own });
    server = await startServer({ dataDir, args: ["--origins", allowed()] });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await server?.killGroup();
    await origin?.close();
    await built?.remove();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("sees, in Chromium, numbers move on a page of another origin that is allowed to, also after a cut", async (t) => {
    const address = await openMovingAddress(server.queryUrl);
    // Also of one that failed: what is open keeps the process.
    t.after(() => address.close());
    await putRule(server.queryUrl, { rule_id: "r", window_size: "1h", metric: "count" });
    const send = (event_id: string): Promise<void> =>
      postCounted(server.ingestUrl, [
        { event_id, user_id: "u", event_type: "click", timestamp: "2026-01-13T10:00:00Z" },
      ]);
    await send("1");
    const tab = await openPage(allowed());
    await tab.evaluate(follow(address.url));
    const shows = async (text: string): Promise<void> => {
      const selector = `#out:text-is(${JSON.stringify(text)}), #out:text-matches("ended")`;
      await tab.waitForSelector(selector, { timeout: patienceMs }).catch(() => {});
      assert.equal(await tab.textContent("#out"), text);
    };
    await shows("live 1; live 1");
    await send("2");
    await shows("live 2; live 2");
    address.cut();
    await send("3");
    await shows("live 3; live 3");
    assert.deepEqual(errors, []);
    await tab.close();
  });

  it("makes a rule there, follows it in a loop, sends events and asks for windows, where a proxy has both ports behind the page's origin", async () => {
    const tab = await openPage(origin.url);
    const { rows, live, ...said } = await tab.evaluate<Used>(useAll);
    assert.deepEqual(said, {
      version: 1,
      counts: { accepted: 3, refused: 1, failed: 0 },
      listed: ["by_type", "r"],
      refused: [[2, "event_type"]],
      conflict: [true, "version_conflict"],
    });
    assert.deepEqual(live, rows);
    const values = rows.map(({ window_start, event_type, value }) => [window_start, event_type, value]);
    assert.deepEqual(values, [
      ["2026-01-13T10:00:00Z", "click", 1],
      ["2026-01-13T10:00:00Z", "order", 42],
    ]);
    assert.deepEqual(errors, []);
    const across = await tab.evaluate<string>(askAcross(server.queryUrl));
    assert.equal(
      across,
      `no_answer: no server answers at ${server.queryUrl}; is it running there? ` +
        `Or the browser has not let a page of ${origin.url} ask: that takes a proxy of the page's own origin.`,
    );
    await tab.close();
  });

  // Other runtimes do by `npm run client-runtimes`.
  it("does all that in this Node, as a package", () => useClient([process.execPath], built.folder, server));
});
