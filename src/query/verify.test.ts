import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import type { Differences } from "../store/store.ts";
import { verify } from "./verify.ts";

type Row = Differences["rows"][number];

const row = (windowStart: number, stored: string, expected: string): Row => ({
  windowStart,
  group: [],
  stored,
  expected,
});
const found = (...rows: Row[]): Differences => ({ compared: "events", different: rows.length, rows });

/** What is answered when the comparisons find these, one after the other; and how many were made. */
async function verified(...comparisons: Differences[]): Promise<{ result: string; starts: string[]; made: number }> {
  const rules = new MemoryRules();
  rules.set({ rule_id: "r" });
  let made = 0;
  const answer = await verify(
    rules.answering(rules.get("r")),
    {
      store: { compare: async () => comparisons[made++] ?? assert.fail("one too many") },
      written: () => [{ src: src(0), from: offset(0), to: offset(9) }],
      clock: { ...systemClock, sleep: async () => {} },
    },
    new AbortController().signal,
  );
  const starts = answer.differences.map((one) => `${one.window_start} ${one.stored}`);
  return { result: answer.result, starts, made };
}

test("where nothing differs, one comparison is enough", async () => {
  assert.deepEqual(await verified(found()), { result: "equal", starts: [], made: 1 });
});

test("what lasts over three comparisons is told, what events change meanwhile is not", async () => {
  const wrong = row(0, "1", "2");
  const result = await verified(
    found(wrong, row(60_000, "5", "4"), row(120_000, "1", "0")),
    found(wrong, row(60_000, "6", "5")),
    found(wrong, row(60_000, "6", "5")),
  );
  assert.deepEqual(result, { result: "different", starts: ["1970-01-01T00:00:00Z 1"], made: 3 });
});

test("a window that was only ahead is equal", async () => {
  const result = await verified(found(row(0, "3", "2")), found(row(0, "4", "3")));
  assert.deepEqual(result, { result: "equal", starts: [], made: 2 });
});
