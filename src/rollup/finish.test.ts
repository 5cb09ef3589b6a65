import assert from "node:assert/strict";
import { test } from "node:test";
import { placedLevel } from "./finish.ts";

test("every level that a rule can have leads to its own place, of any number of events", () => {
  const counts = [...Array.from({ length: 4000 }, (_, others) => others), 999_999, 1e6, 1e8, 1e9 - 1, 1e10];
  for (let thousandths = 0; thousandths <= 1000; thousandths++)
    for (const others of counts) {
      const product = thousandths * others;
      const place = (product - (product % 1000)) / 1000;
      if (Math.floor(placedLevel(thousandths / 1000) * others) !== place)
        assert.fail(`p${thousandths / 10} of ${others + 1} is not at place ${place}`);
    }
});
