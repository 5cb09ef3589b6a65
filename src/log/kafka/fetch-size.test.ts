import assert from "node:assert/strict";
import { test } from "node:test";
import { FetchSize } from "./fetch-size.ts";

test("what does not come in time is asked for in smaller pieces, and in larger ones again when they come quickly", () => {
  const size = new FetchSize();
  const most = size.bytesMax;
  for (let i = 0; i < 20; i++) size.late();
  assert.equal(size.bytesMax, 64 << 10);
  size.came(0, 0);
  size.came(60_000, 3_000);
  assert.equal(size.bytesMax, 64 << 10, "nothing came, or it came slowly");
  size.came(60_000, 30);
  assert.equal(size.bytesMax, 128 << 10);
  for (let i = 0; i < 20; i++) size.came(1, 30);
  assert.equal(size.bytesMax, most);
});
