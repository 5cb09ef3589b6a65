import assert from "node:assert/strict";
import { test } from "node:test";
import { suggest } from "./suggest.ts";

const names = ["rule_id", "start_time", "end_time", "limit", "cursor"];

test("a slip is mended, something else is not guessed at", () => {
  assert.equal(suggest("start_tme", names), "start_time");
  assert.equal(suggest("limt", names), "limit");
  assert.equal(suggest("Cursor", names), "cursor");
  assert.equal(suggest("colour", names), undefined);
  assert.deepEqual([suggest("tial", ["stats", "tail"]), suggest("sevre", ["serve"])], ["tail", "serve"]);
});
