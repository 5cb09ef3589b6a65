import assert from "node:assert/strict";
import { test } from "node:test";
import { unitOf } from "./unit.ts";

test("values are drawn as they are, and very large or very small ones in a power of ten", () => {
  assert.equal(unitOf([]), 1);
  assert.equal(unitOf([[0, null], [-999e12]]), 1);
  assert.equal(unitOf([[1], [-1.5e18, null, 3]]), 1e18);
  assert.equal(unitOf([[1.7e308, -1.7e308]]), 1e308);
  assert.equal(unitOf([[2e-12]]), 1e-12);
  assert.ok(unitOf([[5e-324]]) > 0);
});
