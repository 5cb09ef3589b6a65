import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { drawnLine, progressLine, showProgress, timeText } from "./progress.ts";
import type { Standing } from "./progress.ts";
import { Settled } from "./settled.ts";

test("a line of progress says what is left, where that can be known", () => {
  const standing = { what: "orders.csv", done: 1_234_567, refused: 0, share: 0.43 };
  assert.equal(progressLine(standing, 85_000, 60_000), "orders.csv  43 %  1,234,567 events  85,000/s  1 min 20 s left");
  const unknown = { ...standing, share: null, refused: 2 };
  assert.equal(progressLine(unknown, 85_000.4, 60_000), "orders.csv  1,234,567 events  2 refused  85,000/s");
  assert.equal(progressLine({ ...standing, share: 0.01 }, 1, 500).includes("left"), false, "too early to tell");
});

test("on a terminal there is a bar in what the figures leave of the line, and a long name gives way to it", () => {
  const standing = { what: "orders.csv", done: 1_234_567, refused: 0, share: 0.43 };
  const at = (columns: number, more: Partial<Standing> = {}): string =>
    drawnLine({ ...standing, ...more }, 85_000, 60_000, columns);
  const figures = "43 %  1,234,567 events  85,000/s  1 min 20 s left";
  assert.equal(at(200), `orders.csv  [${"#".repeat(12)}${"-".repeat(18)}]  ${figures}`);
  assert.equal(at(80), `orders.csv  [####------]  ${figures}`);
  assert.equal(at(72), `orders.csv  ${figures}`);
  assert.equal(at(20), "orders.csv  43 %  …");
  assert.equal(at(80, { what: `data/${"a".repeat(40)}.csv` }), `data/aaaaaaaa…  [####------]  ${figures}`);
  assert.equal(at(80, { what: "東京都の注文の全部.csv" }), `東京都の注文…  [####------]  ${figures}`, "two cells each");
  assert.ok(at(200, { what: "a\u001B[2J.csv" }).startsWith("a\\u001b[2J.csv  ["));
  assert.equal(at(200, { share: null }).includes("["), false, "how much there is can't be known");
  assert.match(at(200, { share: 1.01 }), /\[#{30}\] {2}100 %/);
  assert.match(at(200, { share: 0 }), /\[-{30}\] {2}0 %/);
});

/** What is written of a sending of 1,000 events a second while `seconds` pass; `end` is told, and nothing after it. */
async function shown(isTty: boolean, seconds: number): Promise<string[]> {
  const clock = new SimulatedClock();
  const startedAt = clock.monotonic();
  const written: string[] = [];
  const standing = (): Standing => {
    const done = clock.monotonic() - startedAt;
    return { what: "a.csv", done, refused: 0, share: done / 100_000 };
  };
  const screen = { isTty, columns: () => 80, write: (text: string) => void written.push(text) };
  const stop = showProgress(standing, screen, clock);
  await clock.advance(seconds * 1000);
  stop();
  await clock.advance(60_000);
  return written;
}

test("a terminal has one line that is drawn over, five times a second, and is gone at the end", async () => {
  const written = await shown(true, 50);
  assert.equal(written.length, 251);
  // oxlint-disable-next-line no-control-regex
  for (const text of written) assert.match(text, /^\r[^\r\n\u001B]*\u001B\[K$/);
  assert.equal(written[0], "\ra.csv  [------------------------------]  0 %  200 events  1,000/s\u001B[K");
  assert.equal(written[249], "\ra.csv  [##########----------]  50 %  50,000 events  1,000/s  50 s left\u001B[K");
  assert.equal(written[250], "\r\u001B[K");
});

test("elsewhere there is a line every ten seconds, without a bar or anything for terminals", async () => {
  assert.deepEqual(await shown(false, 25), [
    "a.csv  10 %  10,000 events  1,000/s  1 min 30 s left\n",
    "a.csv  20 %  20,000 events  1,000/s  1 min 20 s left\n",
  ]);
});

test("times are as long as people want to know them", () => {
  assert.deepEqual([1, 59_001, 61_000, 3_600_000, 7_500_000].map(timeText), [
    "1 s",
    "1 min",
    "1 min 1 s",
    "1 h",
    "2 h 5 min",
  ]);
});

test("rows are settled up to the first that is not, whatever the order", () => {
  const settled = new Settled(10);
  const rows = Array.from({ length: 5000 }, () => settled.begin());
  for (const settle of rows.slice(1)) settle();
  assert.equal(settled.count, 10);
  rows[0]!();
  assert.equal(settled.count, 5010);
  settled.begin();
  assert.equal(settled.count, 5010);
});
