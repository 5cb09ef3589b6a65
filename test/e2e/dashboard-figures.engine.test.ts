import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { postCounted, putRule, rulesSettled } from "../support/api.ts";
import { missingChromium } from "../support/chromium.ts";
import { Dashboard, figure, figureIs, has, minute, order, shows } from "../support/dashboard.ts";
import { engineOf, isEngine } from "../support/processes.ts";

const hour = 3_600_000;
const revenue = { rule_id: "revenue", window_size: "1h", metric: "sum", field: "payload.price" };
/** In a window that is open as long as the test runs. */
const ahead = -60;
/** In windows that ended long ago. */
const [longAgo, longerAgo] = [180, 240];
const hoursBetween = Math.floor((minute - ahead * 60_000) / hour) - Math.floor((minute - longerAgo * 60_000) / hour);

// Run in the page.
const ground = `getComputedStyle(document.body).backgroundColor`;
/** A number for what the chart shows. */
const picture = `[...document.querySelector(".chart canvas").toDataURL()].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) | 0, 0)`;
const points = `document.querySelector(".spark polyline")?.getAttribute("points") ?? ""`;
const textOf = `(one) => one.textContent.replace(/\\s+/g, " ").trim()`;
/** All that the first page says at one moment: how the server is, its parts, its figures. */
const said = `[...document.querySelectorAll(".pulse, .parts li, .figure dt, .figure b")].map(${textOf}).join("\\n")`;
const marks = `[...document.querySelectorAll("tbody tr")].map(({ firstChild }) => firstChild.querySelector(".pill")?.textContent ?? "").join()`;

/** What it says while the engine hangs. */
const troubles = [
  /Degraded/,
  /^trouble ?store ?does not answer$/m,
  /^ok ?log ?keeps what is acknowledged$/m,
  /^Lag\n[1-9].* s$/m,
  /^Backlog\n[1-9].*B$/m,
  /^Counted\n–$/m,
];

describe("what the dashboard in Chromium says of the server and its rules", { skip: missingChromium }, () => {
  let dashboard: Dashboard;
  let page: Page;
  let sent = 0;
  const send = (...events: readonly object[]): Promise<void> => {
    sent += events.length;
    return postCounted(dashboard.server.ingestUrl, events);
  };

  before(async () => {
    dashboard = await Dashboard.start();
    await putRule(dashboard.server.queryUrl, revenue);
    await rulesSettled(dashboard.server.queryUrl);
    page = await dashboard.open("#/", { colorScheme: "light" });
  });
  after(() => dashboard?.close());

  it("the first page has what was sent: how much and how fast, what was late, and what was known", async () => {
    await figureIs(page, "Counted", /^0$/);
    const twice = order("DE", 10, ahead);
    await send(twice, order("FR", 5, ahead), order("FR", 1, longAgo), order("DE", 2, longerAgo));
    await send(twice, order("DE", 0, ahead, { payload: {} }));
    for (const [name, value] of [
      // With the one that came twice.
      ["Counted", 6],
      ["Duplicates", 1],
      ["Late", 2],
      ["Rejected", 0],
      ["Rules", 1],
    ] as const)
      await figureIs(page, name, new RegExp(`^${value}$`));
    assert.equal(await figure(page, "Rules").locator("small").innerText(), "1 live, 0 paused");
    await figureIs(page, "Lag", /^0 ms$/);
    const isMoving = figureIs(page, "Events per second", /^[1-9]/);
    for (let moves = false; !moves; moves = await Promise.race([isMoving.then(() => true), pause(100, false)]))
      await send(...Array.from({ length: 50 }, () => twice));
    await isMoving;
  });

  it("the list of rules has a line of their windows, which moves", async () => {
    await dashboard.go(page, "#/rules");
    await has(page, `(${points}).split(" ").length === ${hoursBetween + 1}`);
    const drawn = await page.evaluate<string>(points);
    await send(order("DE", 100, ahead));
    await has(page, `(${points}) !== ${JSON.stringify(drawn)}`);
  });

  it("the list says of windows that are no numbers that they are there", async () => {
    await putRule(dashboard.server.queryUrl, {
      ...revenue,
      rule_id: "countries",
      metric: "last",
      field: "payload.country",
    });
    await shows(page, ".spark-empty", "no numbers");
    await putRule(dashboard.server.queryUrl, { ...revenue, rule_id: "none", filter: "false" });
    await shows(page, ".spark-empty", "no windows yet");
  });

  it("on a phone values stay in sight beside wide groups, and texts as values are not wider than it", async () => {
    const text = "wide ".repeat(60);
    await putRule(dashboard.server.queryUrl, { ...revenue, rule_id: "wide", group_by: ["payload.country"] });
    await putRule(dashboard.server.queryUrl, {
      ...revenue,
      rule_id: "texts",
      metric: "last",
      field: "payload.country",
    });
    await rulesSettled(dashboard.server.queryUrl);
    await send(order(text, 1, ahead));
    const phone = await dashboard.open("#/rules/wide", { viewport: { width: 390, height: 844 } });
    const isSeen = `[...document.querySelectorAll("thead th, tbody td")].every((one) => one.getBoundingClientRect().left < 390)`;
    for (const rule of ["wide", "texts"]) {
      await dashboard.go(phone, `#/rules/${rule}`);
      await shows(phone, "td", "wide wide");
      assert.ok(await phone.evaluate<boolean>(isSeen), rule);
    }
    await phone.close();
  });

  it("a rule's page marks the windows that may still change, and has what was late and what could not be read", async () => {
    await dashboard.go(page, "#/rules/revenue");
    await shows(page, ".chart .key-open", "open, may still change");
    await has(page, `${marks} === "open,,"`);
    await figureIs(page, "Late", /^2$/);
    await figureIs(page, "Skipped", /^1$/);
    assert.equal(await figure(page, "Skipped").locator("small").innerText(), "no payload.price to read");
    assert.match((await figure(page, "Skipped").getAttribute("class")) ?? "", /figure-warn/);
  });

  it("colours are the system's until the button chooses others, which stay", async () => {
    await dashboard.go(page, "#/rules/revenue");
    await page.locator(".chart canvas").waitFor();
    const [light, lightPicture] = [await page.evaluate<string>(ground), await page.evaluate<number>(picture)];
    const button = page.getByRole("button", { name: /^Colours:/ });
    for (const next of ["light", "dark"]) {
      assert.equal(await page.evaluate(ground), light);
      await button.and(page.getByRole("button", { name: `Change to ${next}` })).click();
    }
    await has(page, `${ground} !== ${JSON.stringify(light)}`);
    await has(page, `${picture} !== ${lightPicture}`);
    const dark = await page.evaluate<string>(ground);
    await page.reload();
    await shows(page, "h1", "revenue");
    assert.equal(await page.evaluate(ground), dark);
    await button.and(page.getByRole("button", { name: "Colours: dark. Change to auto" })).click();
    assert.equal(await page.evaluate(ground), light);
  });

  it("while the engine hangs the first page says what is in trouble, and how much waits", async () => {
    await dashboard.go(page, "#/");
    // Before long the engine is made anew: the page of a busy machine may say too late what there was.
    for (let time = 1; !(await saysWhileItHangs()); time++)
      assert.ok(time < 5, `it says ${await page.evaluate<string>(said)}`);
    await figureIs(page, "Counted", new RegExp(`^${new Intl.NumberFormat("en").format(sent)}$`));
    await shows(page, ".parts li", /^ok\s*store/);
    await shows(page, ".pulse", "Live");
  });

  /** Whether it says all of it in one look, while the engine hangs. */
  async function saysWhileItHangs(): Promise<boolean> {
    await shows(page, ".pulse", "Live");
    const { ingestUrl, pid } = dashboard.server;
    const engine = await engineOf(pid);
    const isThere = (): Promise<boolean> => isEngine(engine);
    process.kill(engine, "SIGSTOP");
    try {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify([order("DE", 1, ahead)]);
      assert.equal((await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body })).status, 200);
      sent += 1;
      while (!(await page.evaluate<boolean>(`[${troubles.join()}].every((one) => one.test(${said}))`))) {
        if (!(await isThere())) return false;
        await pause(50);
      }
      return true;
    } finally {
      if (await isThere()) process.kill(engine, "SIGCONT");
    }
  }

  it("asked nobody else, and nothing went wrong in the pages", () => dashboard.judge());
});
