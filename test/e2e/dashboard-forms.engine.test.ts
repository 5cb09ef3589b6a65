import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { postCounted, putRule } from "../support/api.ts";
import { missingChromium } from "../support/chromium.ts";
import { Dashboard, focused, has, order, shows } from "../support/dashboard.ts";

describe("rules that are made and changed on the dashboard in Chromium", { skip: missingChromium }, () => {
  let dashboard: Dashboard;
  before(async () => {
    dashboard = await Dashboard.start();
    await postCounted(dashboard.server.ingestUrl, [order("DE", 10), order("FR", 5)]);
  });
  after(() => dashboard?.close());

  it("makes a rule by keyboard alone, with its chart before it is saved and its mistakes at their column", async () => {
    const page = await dashboard.open("#/rules");
    const { keyboard } = page;
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 40; presses++) {
        await keyboard.press("Tab");
        const text = await page.evaluate<string>(focused);
        if (text === name) return;
      }
      assert.fail(`the keyboard does not come to ${name}`);
    };
    await shows(page, ".empty h2", "There is no rule yet");
    await tabTo("New rule");
    await keyboard.press("Enter");
    await shows(page, "h1", "New rule");
    await tabTo("Name");
    await keyboard.type("orders");
    await tabTo("Grouped by");
    await keyboard.type("payload.country");
    await tabTo("Filter");
    await keyboard.type('event_type == "order" && payload.price >');
    await shows(page, ".wrong p", "Column 41:");
    await tabTo("Save the rule");
    await keyboard.press("Enter");
    await has(page, `(${focused}) === "Filter"`);
    await page.reload();
    assert.equal(await page.getByLabel("Filter").inputValue(), 'event_type == "order" && payload.price >');
    await page.getByLabel("Filter").focus();
    await keyboard.press("End");
    await keyboard.type(" 0.0");
    await page.locator(".preview canvas").waitFor();
    await shows(page, ".preview .key", "DE");
    assert.equal(
      ((await (await fetch(`${dashboard.server.queryUrl}/aggregation-rules`)).json()) as { count: number }).count,
      0,
    );
    await tabTo("Save the rule");
    await keyboard.press("Enter");
    await shows(page, "h1", "orders");
    await page.locator(".chart canvas").waitFor();
    assert.deepEqual(await page.evaluate('Object.keys(localStorage).filter((key) => key.includes("draft"))'), []);
    await page.close();
  });

  it("keeps a new rule for each tab, and offers what was begun in one that is closed", async () => {
    const one = await dashboard.open("#/rules//new");
    const opened = one.context().waitForEvent("page");
    await one.evaluate('void open(location.href, "_blank", "noopener")');
    const other = await opened;
    await one.getByLabel("Name").fill("half of one");
    await other.getByLabel("Name").fill("half of another");
    for (const page of [other, one]) await page.reload();
    assert.equal(await other.getByLabel("Name").inputValue(), "half of another");
    assert.equal(await one.getByLabel("Name").inputValue(), "half of one");
    await other.close();
    await one.getByRole("button", { name: "Start over" }).click();
    await shows(one, ".notice", "“half of another”");
    await one.getByRole("button", { name: "Go on with it here" }).click();
    assert.equal(await one.getByLabel("Name").inputValue(), "half of another");
    await one.close();
  });

  it("tells the second of two who change a rule, keeps what that one typed, and puts it on what the first has made", async () => {
    const rule = { rule_id: "shared", window_size: "1m", metric: "count" };
    await putRule(dashboard.server.queryUrl, rule);
    const [first, second] = [await dashboard.open("#/rules/shared/edit"), await dashboard.open("#/rules/shared/edit")];
    const [window, filter] = [second.getByLabel("Window", { exact: true }), second.getByLabel("Filter")];
    const typed = 'payload.country == "DE"';
    const save = { name: "Save as a new version" };
    await filter.fill(typed);
    await first.getByLabel("Window", { exact: true }).fill("5m");
    await first.getByRole("button", save).click();
    await shows(first, ".sentence", "every 5m");
    await first.close();
    await second.getByRole("button", save).click();
    await shows(second, ".failure", 'rule "shared" has version 2, not version 1');
    await second.reload();
    await shows(second, ".notice-warn", "you edit version 1, it is at 2");
    assert.deepEqual([await window.inputValue(), await filter.inputValue()], ["1m", typed]);
    await second.getByRole("button", save).click();
    await shows(second, ".failure", "What you typed is kept.");
    await second.getByRole("button", { name: "Put the fields that you changed on version 2" }).click();
    await second.locator(".notice-warn, .failure").waitFor({ state: "detached" });
    assert.deepEqual([await window.inputValue(), await filter.inputValue()], ["5m", typed]);
    await second.getByRole("button", save).click();
    await shows(second, ".sentence", `every 5m where ${typed}`);
    await second.getByRole("link", { name: "Edit" }).click();
    await filter.fill("true");
    await fetch(`${dashboard.server.queryUrl}/aggregation-rule/shared`, { method: "DELETE" });
    // Its third version too, as the one that is being changed.
    for (const window_size of ["1m", "5m", "1m"]) await putRule(dashboard.server.queryUrl, { ...rule, window_size });
    await shows(second, ".notice-warn", "deleted this rule and made another of its name");
    await shows(second, ".clash", "Filter: you both have changed it, and yours would replace theirs, which is empty.");
    await second.getByRole("button", { name: "start over from it" }).click();
    assert.deepEqual([await window.inputValue(), await filter.inputValue()], ["1m", ""]);
    await second.close();
  });

  it("does not roll back what somebody else has made of a rule while it asks", async () => {
    const rule = { rule_id: "rolled", window_size: "1m", metric: "count" };
    for (const window_size of ["1m", "2m"]) await putRule(dashboard.server.queryUrl, { ...rule, window_size });
    const page = await dashboard.open("#/rules/rolled");
    await page.getByRole("button", { name: "Roll back to version 1" }).click();
    await putRule(dashboard.server.queryUrl, { ...rule, window_size: "3m" });
    await shows(page, ".changes", "window_size 2m → 3m");
    await shows(page, "dialog p", "It becomes version 3");
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await shows(page, ".failure", 'rule "rolled" has version 3, not version 2');
    await page.close();
  });

  it("asked nobody else, and nothing went wrong in the pages", () => dashboard.judge());
});
