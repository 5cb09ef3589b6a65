import assert from "node:assert/strict";
import { test } from "node:test";
import { entryText } from "./use-entry-text.ts";

test("a text of an entry is what was kept with it, whatever else is there", () => {
  assert.equal(entryText({ find: "orders" }, "find"), "orders");
  for (const state of [null, undefined, "find", {}, { find: 1 }]) assert.equal(entryText(state, "find"), "");
});
