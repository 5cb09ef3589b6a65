import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { newDraft } from "./draft.ts";
import { forgetDraft, forgetOther, isOvertaken, keepDraft, keptDraft } from "./kept-draft.ts";
import { newestOther, onItsBase, takeOver } from "./kept-draft.ts";
import type { Kept } from "./kept-draft.ts";

/** As browsers have it: what is kept are properties of its own. */
class Memory {
  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? String(Reflect.get(this, key)) : null;
  }
  setItem(key: string, text: string): void {
    Reflect.set(this, key, text);
  }
  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
}

const inTab = (id: string): void => sessionStorage.setItem("weir.tab", id);
const type = (rule_id: string): void => keepDraft(undefined, { draft: { ...newDraft, rule_id }, version: undefined });
const typed = (): string | undefined => keptDraft(undefined)?.draft.rule_id;

const names = ["localStorage", "sessionStorage"] as const;
const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
beforeEach(() => {
  for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, value: new Memory() });
});
afterEach(() => {
  for (const [name, property] of before)
    if (property === undefined) Reflect.deleteProperty(globalThis, name);
    else Object.defineProperty(globalThis, name, property);
});

test("new rules in two tabs are kept apart, and each is found after a reload", () => {
  inTab("a");
  type("clicks");
  inTab("b");
  assert.equal(typed(), undefined);
  type("orders");
  inTab("a");
  assert.equal(typed(), "clicks");
  forgetDraft(undefined);
  inTab("b");
  assert.equal(typed(), "orders");
});

test("what was typed last in another tab is offered, and taken from it as it is by then", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1000 });
  inTab("a");
  type("clicks");
  t.mock.timers.setTime(2000);
  inTab("b");
  type("or");
  inTab("c");
  assert.equal(newestOther()?.draft.rule_id, "or");
  const offered = newestOther()!;
  inTab("b");
  assert.equal(newestOther()?.draft.rule_id, "clicks");
  type("orders");
  inTab("c");
  assert.equal(takeOver(offered).rule_id, "orders");
  assert.equal(newestOther()?.draft.rule_id, "clicks");
  forgetOther(newestOther()!);
  assert.equal(newestOther(), undefined);
});

test("the draft of a rule that there is belongs to all tabs, and is offered to none as a new one", () => {
  inTab("a");
  keepDraft("clicks", { draft: { ...newDraft, rule_id: "clicks" }, version: 3 });
  inTab("b");
  assert.equal(keptDraft("clicks")?.version, 3);
  assert.equal(newestOther(), undefined);
});

test("nothing that says no more than an empty form is offered", () => {
  inTab("a");
  type(" ");
  inTab("b");
  assert.equal(newestOther(), undefined);
});

test("a draft is overtaken by another version, and by the same one of a rule that was deleted and made again", () => {
  const first: Kept = { draft: newDraft, version: 1, changedAt: "2026-01-13T10:00:00Z", base: newDraft };
  inTab("a");
  keepDraft("clicks", first);
  const kept = keptDraft("clicks")!;
  assert.ok(!isOvertaken(kept, first));
  assert.ok(isOvertaken(kept, { ...first, version: 2 }));
  assert.ok(isOvertaken(kept, { ...first, changedAt: "2026-01-13T10:00:00.001Z" }));
  assert.ok(!isOvertaken({ ...kept, changedAt: undefined }, first), "kept by an older dashboard");
});

test("a draft that an older dashboard has kept without its base has it again while nobody has changed the rule", () => {
  const now: Kept = { draft: newDraft, version: 3, changedAt: "2026-01-13T10:00:00Z", base: newDraft };
  const kept: Kept = { draft: { ...newDraft, filter: "true" }, version: 3 };
  assert.deepEqual(onItsBase(kept, now), { ...now, draft: kept.draft });
  assert.deepEqual(onItsBase({ ...kept, version: 2 }, now), { ...kept, version: 2 });
});
