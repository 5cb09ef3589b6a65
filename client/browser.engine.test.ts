import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { postCounted, putRule } from "../test/support/api.ts";
import { buildClient } from "../test/support/built-client.ts";
import { missingChromium, openChromium } from "../test/support/chromium.ts";
import { openMovingAddress } from "../test/support/moving-address.ts";
import { startServer } from "../test/support/server-process.ts";

/** A page that shows the value of a rule's newest window, and says what it is at. */
const page = (queryUrl: string): string => `<!doctype html><title>t</title><pre id="out"></pre><script type="module">
import { Weir } from "/dist/weir.js";
const weir = new Weir({ queryUrl: ${JSON.stringify(queryUrl)} });
weir.subscribe("r", ({ status, rows }) => {
  document.querySelector("#out").textContent = status + " " + rows.map(({ value }) => value).join();
}, { intervalMs: 50 });
</script>`;

test(
  "a page in Chromium loads the built client and sees numbers move, also after a cut",
  { skip: missingChromium },
  async () => {
    const built = await buildClient();
    const dataDir = await mkdtemp(join(tmpdir(), "weir-browser-"));
    let queryUrl = "";
    const files = createServer((request, answer) => {
      const isCode = request.url?.startsWith("/dist/") === true;
      answer.setHeader("content-type", isCode ? "text/javascript" : "text/html");
      if (!isCode) return void answer.end(page(queryUrl));
      readFile(join(built.folder, new URL(request.url ?? "/", "http://x").pathname)).then(
        (text) => answer.end(text),
        () => answer.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => void files.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
    const server = await startServer({ dataDir, args: ["--origins", origin] });
    const address = await openMovingAddress(server.queryUrl);
    const browser = await openChromium();
    try {
      queryUrl = address.url;
      await putRule(server.queryUrl, { rule_id: "r", window_size: "1h", metric: "count" });
      const send = (event_id: string): Promise<void> =>
        postCounted(server.ingestUrl, [
          { event_id, user_id: "u", event_type: "click", timestamp: "2026-01-13T10:00:00Z" },
        ]);
      await send("1");
      const tab = await browser.newPage();
      tab.setDefaultTimeout(120_000);
      const errors: unknown[] = [];
      tab.on("pageerror", (error) => errors.push(error));
      await tab.goto(origin);
      const shows = (text: string): Promise<unknown> => tab.waitForSelector(`#out:text-is(${JSON.stringify(text)})`);
      await shows("live 1");
      await send("2");
      await shows("live 2");
      address.cut();
      await send("3");
      await shows("live 3");
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
      await address.close();
      await server.killGroup();
      files.closeAllConnections();
      files.close();
      await built.remove();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);
