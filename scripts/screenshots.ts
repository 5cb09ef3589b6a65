/** `npm run screenshots`: the dashboard of a server with a small shop's events, in three sizes, as pictures in docs/images/. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { postCounted, putRule } from "../test/support/api.ts";
import { openChromium } from "../test/support/chromium.ts";
import { seeded } from "../test/support/random.ts";
import { startServer } from "../test/support/server-process.ts";
import type { ServerProcess } from "../test/support/server-process.ts";
import { shopEvents } from "../web/src/try/generate.ts";

const folder = process.argv[2] ?? fileURLToPath(new URL("../docs/images/", import.meta.url));
const random = seeded(1).next;
const minute = 60_000;

const sizes = {
  desktop: { width: 1280, height: 860 },
  tablet: { width: 820, height: 1100 },
  phone: { width: 390, height: 844 },
} as const;

const rules: readonly object[] = [
  { rule_id: "orders_per_minute", window_size: "1m", metric: "count", filter: 'event_type == "order"' },
  {
    rule_id: "revenue_by_country",
    window_size: "1m",
    metric: "sum",
    field: "payload.price",
    decimals: 2,
    group_by: ["payload.country"],
  },
  { rule_id: "events_by_type", window_size: "1m", metric: "count", group_by: ["event_type"] },
  { rule_id: "active_users_5m", window_size: "5m", hop: "1m", metric: "uniq_exact", field: "user_id" },
  { rule_id: "p95_price", window_size: "1m", metric: "p95", field: "payload.price" },
];

/** What is shown, and what is done before the picture. */
const pictures: readonly Picture[] = [
  { name: "rules", hash: "#/rules", sizes: ["desktop", "phone"], scheme: "light", ready: ".spark" },
  {
    name: "rule",
    hash: "#/rules/revenue_by_country",
    sizes: ["desktop", "tablet", "phone"],
    scheme: "light",
    ready: "canvas",
  },
  { name: "rule-dark", hash: "#/rules/events_by_type", sizes: ["desktop"], scheme: "dark", ready: "canvas" },
  {
    name: "form",
    hash: "#/rules//new",
    sizes: ["desktop"],
    scheme: "light",
    ready: "canvas",
    before: typeMistake,
  },
  { name: "events", hash: "#/events", sizes: ["tablet"], scheme: "light", ready: ".events li" },
  { name: "try", hash: "#/try", sizes: ["desktop"], scheme: "dark", ready: "textarea", before: sendSome },
  // When the speed at which history was sent is no longer in its mean.
  { name: "overview", hash: "#/", sizes: ["desktop", "phone"], scheme: "light", ready: ".figure" },
  { name: "overview-dark", hash: "#/", sizes: ["desktop"], scheme: "dark", ready: ".figure" },
];

interface Picture {
  readonly name: string;
  readonly hash: string;
  readonly sizes: readonly (keyof typeof sizes)[];
  readonly scheme: "light" | "dark";
  readonly ready: string;
  readonly before?: (page: Page) => Promise<void>;
}

async function typeMistake(page: Page): Promise<void> {
  await page.getByLabel("Name").fill("expensive_orders");
  await page.getByLabel("Grouped by").fill("payload.country");
  await page.waitForSelector(".key-4");
  await page.getByLabel("Filter").fill('event_type == "order" && payload.price >> 20');
  await page.waitForSelector(".wrong");
}

async function sendSome(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Generate 5" }).click();
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForSelector(".pill-live");
}

async function fill({ queryUrl, ingestUrl }: ServerProcess): Promise<void> {
  for (const rule of rules) await putRule(queryUrl, rule);
  const now = Date.now();
  for (let ago = 40; ago >= 0; ago--) {
    const count = Math.round(6000 + 2400 * Math.sin(ago / 5) + 900 * random());
    await postCounted(ingestUrl, shopEvents({ count, now: now - ago * minute, spreadMs: minute, random }));
  }
  await putRule(queryUrl, { ...rules[1], allowed_lateness: "10s" });
  await putRule(queryUrl, { ...rules[4], active: false });
}

/** Keeps events coming, so that what moves does. */
function keepSending({ ingestUrl }: ServerProcess): () => Promise<void> {
  const ending = new AbortController();
  const sent = (async () => {
    while (!ending.signal.aborted)
      await postCounted(
        ingestUrl,
        shopEvents({ count: 30 + Math.round(20 * random()), now: Date.now(), spreadMs: 400, random }),
      );
  })();
  return () => (ending.abort(), sent);
}

async function take(browser: Browser, queryUrl: string, picture: Picture): Promise<void> {
  for (const size of picture.sizes) {
    const page = await browser.newPage({ viewport: sizes[size], colorScheme: picture.scheme });
    await page.goto(`${queryUrl}/${picture.hash}`);
    await page.waitForSelector(picture.ready);
    await picture.before?.(page);
    // A line over time wants some time.
    await page.waitForTimeout(picture.hash === "#/" ? 30_000 : 1500);
    await page.screenshot({ path: join(folder, `${picture.name}-${size}.png`) });
    await page.close();
  }
}

const dataDir = await mkdtemp(join(tmpdir(), "weir-pictures-"));
await mkdir(folder, { recursive: true });
const server = await startServer({ dataDir });
const browser = await openChromium();
try {
  await fill(server);
  const stopSending = keepSending(server);
  for (const picture of pictures) await take(browser, server.queryUrl, picture);
  await stopSending();
} finally {
  await browser.close();
  await server.killGroup();
  await rm(dataDir, { recursive: true, force: true });
}
