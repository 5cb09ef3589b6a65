import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen } from "./chosen.ts";

test("cases are chosen by their name, else by its beginning, and never none of them", () => {
  const cases = [10, 100, 1000];
  assert.deepEqual(chosen(cases, ""), cases);
  assert.deepEqual(chosen(cases, "100"), [100]);
  assert.deepEqual(
    chosen(["100 events", "1 event"], "100", (one) => one),
    ["100 events"],
  );
  assert.throws(() => chosen(cases, "1,000"), /there is no case "1,000"; there are: 10; 100; 1000/);
});
