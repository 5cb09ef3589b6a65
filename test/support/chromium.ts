import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

/** Why tests in a browser are skipped; false: they are not. In CI a browser that is missing is a failure. */
export const missingChromium =
  program === undefined && process.env["CI"] === undefined ? "there is no Chromium here" : false;

/** The system's Chromium, without a window. */
export async function openChromium(): Promise<Browser> {
  assert.ok(program, "Chromium is needed: apt-get install chromium");
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: program, args, timeout: 180_000 });
}

/** From the opening of a rule's page, in a browser that has never been there, to its chart. */
export async function firstChartMs(browser: Browser, url: string): Promise<number> {
  const page = await browser.newPage();
  await page.goto(url, { waitUntil: "commit" });
  await page.locator(".chart canvas").waitFor();
  const tookMs = await page.evaluate<number>("performance.now()");
  await page.close();
  return tookMs;
}
