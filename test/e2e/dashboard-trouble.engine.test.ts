import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { alterTables, leavePoison, runRejects, takePoison } from "../faults/poison.ts";
import { postCounted, putRule } from "../support/api.ts";
import { missingChromium } from "../support/chromium.ts";
import { Dashboard, figureIs, shows } from "../support/dashboard.ts";

const byCountry = { rule_id: "by_country", window_size: "1m", metric: "count", group_by: ["payload.country"] };
const ofAll = { ...byCountry, rule_id: "of_all", group_by: [] };
/** The real engine refuses every rollup that has such a group. */
const takeNoGroup =
  "ALTER TABLE rollups ADD CONSTRAINT no_nowhere CHECK arrayElement(grp, 1) IS NULL OR arrayElement(grp, 1) != 'nowhere'";
/** Some pieces of a fill. */
const history = 500_000;
const perRequest = 10_000;

const base = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
let ids = 0;
const order = (country: string, event_id = `e-${++ids}`): object => ({
  event_id,
  user_id: "ann",
  event_type: "order",
  timestamp: base,
  payload: { country },
});

// Run in the page, in one look.
const fillOf = `(() => {
  const [pill, filling] = [".sentence .pill", ".filling"].map((one) => document.querySelector(one));
  const isTold = /^filling [1-9]/.test(pill?.textContent) && filling?.textContent.includes("Ready about");
  return { isLive: pill?.textContent === "live", filled: isTold ? filling.querySelector("progress").value : 0 };
})()`;

/** How much of a rule is counted, once its page tells; undefined when it is live before. */
async function filledOf(page: Page): Promise<number | undefined> {
  for (const end = performance.now() + 120_000; ; await pause(20)) {
    const { isLive, filled } = await page.evaluate<{ isLive: boolean; filled: number }>(fillOf);
    if (isLive || filled > 0) return isLive ? undefined : filled;
    assert.ok(performance.now() < end, "the page does not tell how much is counted");
  }
}

describe("what goes wrong, on the dashboard in Chromium", { skip: missingChromium }, () => {
  let dashboard: Dashboard;
  let page: Page;
  const send = (...events: readonly object[]): Promise<void> => postCounted(dashboard.server.ingestUrl, events);

  before(async () => {
    const prepare = (dataDir: string): Promise<void> => alterTables(dataDir, [...takePoison, takeNoGroup]);
    dashboard = await Dashboard.start({ args: ["--fill-share", "1"], prepare });
    page = await dashboard.open("#/");
  });
  after(() => dashboard?.close());

  it("an event that the store refuses is counted on the first page and shown whole, with the reason, until it is sent again", async () => {
    await send(order("DE"), order("FR", "poison-1"), order("DE"));
    await dashboard.go(page, "#/");
    await figureIs(page, "Rejected", /^1$/);
    await dashboard.go(page, "#/events/rejects");
    await page.locator(".events summary").first().click();
    await shows(page, ".notice-warn", "the engine refused it: violated constraint");
    await shows(page, ".events dd", "poison-1");
    await dashboard.server.terminate();
    await alterTables(dashboard.dataDir, leavePoison);
    const server = await dashboard.startAgain();
    dashboard.address.leadTo(server.queryUrl);
    const replayed = await runRejects(server, "replay");
    assert.equal(replayed.out, "1 sent again, 0 not taken any more; 0 in quarantine now\n");
    await shows(page, ".empty h2", "Nothing was rejected");
  });

  it("a rule that can't be computed is stopped, says why, and can be changed; others go on", async () => {
    await putRule(dashboard.server.queryUrl, byCountry);
    await putRule(dashboard.server.queryUrl, ofAll);
    await send(order("nowhere"), order("DE"));
    await dashboard.go(page, "#/rules");
    await shows(page, ".pill-bad", "stopped");
    await dashboard.go(page, "#/rules/by_country");
    await shows(page, ".notice-warn", "The server has paused this rule: the engine refused it: violated constraint");
    await page.locator(".loading").waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Filter").fill('payload.country != "nowhere"');
    await page.getByRole("button", { name: "Save as a new version" }).click();
    await shows(page, ".sentence .pill", "live");
    await dashboard.go(page, "#/rules/of_all");
    await shows(page, "tbody td.number", /^5$/);
  });

  it("a rule over much history says how much of it is counted, and is live when all is", async () => {
    for (let sent = 0; sent < history; sent += perRequest)
      await send(...Array.from({ length: perRequest }, () => order("NL")));
    // While events come a fill may take a hundredth of the time: between two pieces there is a pause.
    let quiet = false;
    const busy = (async () => {
      for (; !quiet; await pause(100)) await send(order("BE"));
    })();
    let filled: number | undefined;
    for (let rule = 1; filled === undefined; rule++) {
      assert.ok(rule <= 3, "the rules are live before their page says how much is counted");
      await putRule(dashboard.server.queryUrl, { ...ofAll, rule_id: `late-${rule}` });
      await dashboard.go(page, `#/rules/late-${rule}`);
      await shows(page, "h1", `late-${rule}`);
      filled = await filledOf(page);
    }
    assert.ok(filled > 0 && filled < 1, `${filled} is filled`);
    quiet = true;
    await busy;
    // On a slow machine the last one may have come before the rule: one that is counted for it says what it costs.
    await send(order("BE"));
    await shows(page, ".sentence .pill", "live");
    await page.locator(".filling").waitFor({ state: "detached" });
    const counted = new Intl.NumberFormat("en").format(ids + 1);
    await shows(page, "tbody td.number", new RegExp(`^${counted}$`));
    await shows(page, ".figure", "few events at a time");
  });
});
