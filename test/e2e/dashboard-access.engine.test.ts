import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { postCounted, putRule } from "../support/api.ts";
import { missingChromium } from "../support/chromium.ts";
import { Dashboard, focused, order, shows } from "../support/dashboard.ts";

const counted = { window_size: "1m", metric: "count", group_by: ["payload.country"] };
const byCountry = { rule_id: "by_country", ...counted, retention: "30d" };

/** What axe has found. */
interface Found {
  readonly violations: readonly { id: string; impact: string; nodes: { html: string }[] }[];
}

/** In light and in dark. */
async function hasNoGraveFault(page: Page, where: string): Promise<void> {
  // It stays while pages change behind the `#`.
  if (!(await page.evaluate<boolean>(`"axe" in window`))) await page.evaluate(axe.source);
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate<Found>(`axe.run({ resultTypes: ["violations"] })`);
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(
      grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${where} ${colorScheme} ${id}: ${html.slice(0, 200)}`)),
      [],
    );
  }
}

describe("the dashboard in Chromium by keyboard, by ear and on a phone", { skip: missingChromium }, () => {
  let dashboard: Dashboard;
  before(async () => {
    dashboard = await Dashboard.start();
    await putRule(dashboard.server.queryUrl, byCountry);
    const countries = ["a\nb", "<img src=x onerror=alert(1)>", ""];
    await postCounted(
      dashboard.server.ingestUrl,
      countries.map((country) => order(country, 1)),
    );
  });
  after(() => dashboard?.close());

  it("leaves the keyboard where it is: behind a question, at a page's heading while the page comes, in a field that is cleared", async () => {
    const page = await dashboard.open("#/rules/by_country");
    for (const answer of ["Escape", "Enter"]) {
      await page.getByRole("button", { name: "Delete" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press(answer);
      await page.getByRole("dialog").waitFor({ state: "detached" });
      assert.equal(await page.evaluate(focused), "Delete", answer);
    }
    await page.route("**/aggregation-rule/by_country", (route) => setTimeout(() => void route.continue(), 300));
    await page.getByRole("link", { name: "Edit" }).click();
    const field = page.getByLabel("Retention");
    await field.waitFor();
    assert.equal(await page.evaluate(focused), "Edit by_country");
    await field.fill("");
    await page.waitForTimeout(200);
    assert.ok(await field.isVisible());
    assert.equal(await page.evaluate(focused), "Retention");
    await page.getByText("More: lateness").click();
    await field.waitFor({ state: "hidden" });
    await page.reload();
    await shows(page, "h1", "Edit by_country");
    await page.getByText("More: lateness").click();
    // Told before it is closed, the mistake would stay out of sight: who closes it has seen it.
    const closed = Promise.withResolvers<void>();
    await page.route(/dry_run=true/, (route) => closed.promise.then(() => route.continue()));
    await field.fill("3");
    await page.getByText("More: lateness").click();
    closed.resolve();
    await shows(page, ".wrong p", "");
    assert.ok(await field.isVisible(), "what is wrong is shown");
    const edge = (isWrong: boolean): string =>
      `getComputedStyle(document.querySelector('input[aria-invalid="${isWrong}"]')).borderColor`;
    assert.ok(await page.evaluate<boolean>(`${edge(true)} !== ${edge(false)}`), "its field is marked");
    await page.close();
  });

  const pages = [
    "#/",
    "#/rules",
    "#/rules/by_country",
    "#/rules/by_country/edit",
    "#/rules//new",
    "#/events",
    "#/events/rejects",
    "#/try",
  ];
  const ready = "h1 ~ *, .page-head ~ *";

  it("has no serious fault for those who see little or hear the page, in light and in dark", async () => {
    const page = await dashboard.open("#/");
    for (const hash of pages) {
      await dashboard.go(page, hash);
      await page.locator(ready).first().waitFor();
      await page.locator(".loading").waitFor({ state: "detached" });
      await hasNoGraveFault(page, hash);
    }
    await page.close();
  });

  it("has none either while it asks, refuses, or is cut off", async (t) => {
    t.after(() => dashboard.address.leadTo(dashboard.server.queryUrl));
    const page = await dashboard.open("#/rules/by_country");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete by_country?" }).waitFor();
    await hasNoGraveFault(page, "a question");
    await page.keyboard.press("Escape");
    await dashboard.go(page, "#/rules/by_country/edit");
    await page.getByLabel("Filter").fill("payload.price >> 20");
    await putRule(dashboard.server.queryUrl, { ...byCountry, top_n: 3 });
    await dashboard.go(page, "#/");
    await dashboard.go(page, "#/rules/by_country/edit");
    await shows(page, ".notice-warn", "Somebody has changed this rule");
    await shows(page, ".wrong p", "Column 16:");
    await shows(page, ".preview h2", "of nothing yet");
    await hasNoGraveFault(page, "a form with a mistake that was overtaken");
    await page.route("**/events?*", (route) => route.fulfill({ status: 500, body: "no" }));
    await dashboard.go(page, "#/events");
    await shows(page, ".failure", "can't answer this now");
    await hasNoGraveFault(page, "a page that is refused");
    for (const [hash, path, there] of [
      ["#/rules", "**/aggregation-rules", ".rules li"],
      ["#/rules/by_country", "**/aggregation-rule/by_country", ".sentence"],
    ] as const) {
      await dashboard.go(page, hash);
      await page.locator(there).waitFor();
      await page.route(path, (route) => route.fulfill({ status: 503, body: "no" }));
      await shows(page, ".failure", "can't answer this now");
      assert.ok(await page.locator(there).isVisible(), "what is of before stays");
      await page.unroute(path);
      await page.locator(".failure").waitFor({ state: "detached" });
    }
    await dashboard.go(page, "#/rules/by_country");
    await page.locator("tbody").waitFor();
    dashboard.address.leadTo("http://127.0.0.1:1");
    dashboard.address.cut();
    for (const hash of ["#/rules/by_country", "#/"]) {
      await dashboard.go(page, hash);
      await page.locator(".of-before").first().waitFor();
      await shows(page, ".lost", "Connection lost, resuming");
      await hasNoGraveFault(page, `${hash} cut off`);
    }
    await page.close();
  });

  it("fits the narrowest phone: nothing has to be pushed sideways", async () => {
    const page = await dashboard.open("#/", {
      viewport: { width: 320, height: 640 },
      hasTouch: true,
      isMobile: true,
    });
    for (const hash of pages) {
      await dashboard.go(page, hash);
      await page.locator(ready).first().waitFor();
      await page.locator(".loading").waitFor({ state: "detached" });
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(width <= 320, `${hash} is ${width} wide`);
    }
    await page.close();
  });

  it("finds a rule, and has what it was found by for who comes back", async () => {
    for (let nth = 0; nth < 6; nth++)
      await putRule(dashboard.server.queryUrl, { ...counted, rule_id: `further_${nth}`, active: false });
    const page = await dashboard.open("#/rules");
    const field = page.getByLabel("Find a rule");
    await field.fill("further_3");
    await page.locator(".rules a").click();
    await shows(page, "h1", "further_3");
    await page.goBack();
    assert.equal(await field.inputValue(), "further_3");
    assert.equal(await page.locator(".rules li").count(), 1);
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    assert.equal(await field.inputValue(), "");
    await page.close();
  });

  it("can be read on a button that is waited for", async () => {
    const page = await dashboard.open("#/try");
    await page.getByRole("button", { name: "Generate 5" }).click();
    const ground = `getComputedStyle(document.querySelector(".primary")).backgroundColor`;
    const before = await page.evaluate<string>(ground);
    const answered = Promise.withResolvers<void>();
    await page.route("**/dashboard/ingest*", (route) => answered.promise.then(() => route.continue()));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await shows(page, ".primary", "Sending");
    assert.equal(await page.evaluate(ground), before);
    answered.resolve();
    await shows(page, ".pill-live", "200");
    await page.close();
  });

  it("shows what has the keyboard, also where the places of a phone lie over the page", async () => {
    const events = Array.from({ length: 20 }, () => order("DE", 1));
    await postCounted(dashboard.server.ingestUrl, events);
    // As where it is enlarged to 200 %.
    const page = await dashboard.open("#/events", { viewport: { width: 720, height: 450 } });
    await page.locator(".events li").nth(20).waitFor();
    const gap = `document.querySelector(".places").getBoundingClientRect().top - document.activeElement.getBoundingClientRect().bottom`;
    await page.getByRole("button", { name: "Hold" }).focus();
    for (let nth = 0; nth < 20; nth++) {
      await page.keyboard.press("Tab");
      assert.ok((await page.evaluate<number>(gap)) >= 0, `event ${nth} is covered`);
    }
    await page.close();
  });

  it("keeps the colours by which lines are told apart where the system forces its own", async () => {
    const page = await dashboard.open("#/rules/by_country", { forcedColors: "active" });
    await page.locator(".chart canvas").waitFor();
    const colours = `new Set([...document.querySelectorAll(".key i")].map((one) => getComputedStyle(one).backgroundColor)).size`;
    assert.ok((await page.evaluate<number>(colours)) > 2);
    await page.close();
  });

  it("prints a chart as wide as the paper, and nothing that can only be pressed", async () => {
    // As when it is printed: no chart hears that the page is narrower.
    const script = "window.ResizeObserver = class { observe() {} disconnect() {} }";
    const page = await dashboard.open("#/rules/by_country", { script });
    await page.locator(".chart canvas").waitFor();
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 700, height: 900 });
    const width = await page.evaluate<number>(`document.querySelector(".chart canvas").getBoundingClientRect().right`);
    assert.ok(width <= 700, `the chart is ${width} wide`);
    for (const name of [".bar", ".page-head .actions"]) assert.ok(await page.locator(name).isHidden(), name);
    await page.close();
  });

  it("asked nobody else, and nothing went wrong in the pages", () => dashboard.judge());
});
