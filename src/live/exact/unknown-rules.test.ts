import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import type { ExactTestClient } from "../../../test/support/exact-client.ts";
import { minute } from "../../../test/support/live-desk.ts";

const window = 10 * minute;

/** A desk that may know by which rules others count or not, with a window that is final and one that is not. */
async function desk() {
  let knows = true;
  const all = exactDesk({}, () => knows);
  const { clock, client, count, progress, take } = all;
  const start = clock.now();
  progress.through = start + window;
  count(0, "click", 1);
  count(1, "click", 2);
  const watching = async (): Promise<ExactTestClient> => {
    const one = client();
    one.watch("clicks", { interval_ms: 50 });
    await clock.advance(300);
    return one;
  };
  const finals = (one: ExactTestClient) => one.assembler.rows("clicks")?.map((row) => [row.value, row.final]);
  const kinds = (one: ExactTestClient): unknown[] => take(one).map(({ type }) => type);
  return { ...all, start, watching, finals, kinds, know: (is: boolean) => (knows = is) };
}

test("while it is not known by which rules others count no window closes, and then all that have ended do", async () => {
  const { clock, count, progress, start, watching, finals, kinds, know } = await desk();
  const one = await watching();
  kinds(one);
  assert.deepEqual(finals(one), [
    [2, false],
    [1, true],
  ]);
  know(false);
  progress.through = start + 2 * window;
  await clock.advance(300);
  assert.deepEqual(kinds(one), [], "what was final stays so");
  count(0, "click", 7);
  await clock.advance(300);
  assert.deepEqual(kinds(one), ["delta"]);
  assert.deepEqual(finals(one), [
    [2, false],
    [7, false],
  ]);
  know(true);
  await clock.advance(300);
  assert.deepEqual(kinds(one), ["final", "final"]);
  assert.deepEqual(finals(one), [
    [2, true],
    [7, true],
  ]);
});

test("who comes meanwhile is shown nothing as complete or final, and all of it anew when it is known", async () => {
  const { clock, progress, start, watching, finals, take, know } = await desk();
  know(false);
  const one = await watching();
  const [shown, ...more] = take(one);
  assert.deepEqual([shown?.type === "snapshot" && shown.complete, more], [false, []]);
  assert.deepEqual(finals(one), [
    [2, false],
    [1, false],
  ]);
  know(true);
  progress.through = start + window + 1;
  await clock.advance(300);
  assert.deepEqual(
    take(one).map((message) => [
      message.type,
      message.type === "snapshot" && message.complete,
      message.type === "reset" && message.reason,
    ]),
    [
      ["reset", false, "rebuilt"],
      ["snapshot", true, false],
    ],
  );
  assert.deepEqual(finals(one), [
    [2, false],
    [1, true],
  ]);
});

test("rows that were being read when later rules came are not called final", async () => {
  const { clock, count, store, watching, finals, know } = await desk();
  const one = await watching();
  const windows = store.windows.bind(store);
  store.windows = (query) => {
    know(false);
    return windows(query);
  };
  count(0, "click", 7);
  await clock.advance(300);
  one.read();
  assert.deepEqual(finals(one), [
    [2, false],
    [7, false],
  ]);
});

for (const goneMs of [0, 2000])
  test(`who resumes from such a snapshot ${goneMs} ms after all is known is shown it anew, once`, async () => {
    const { clock, client, watching, take, know } = await desk();
    know(false);
    const [one, other] = [await watching(), await watching()];
    const [shown] = take(one);
    assert.ok(shown?.type === "snapshot" && !shown.complete);
    one.say({ unsubscribe_rules: ["clicks"] });
    if (goneMs === 0) other.say({ unsubscribe_rules: ["clicks"] });
    know(true);
    await clock.advance(goneMs);
    const again = client();
    const { epoch, seq } = shown;
    again.say({ subscribe_rules: ["clicks"], mode: "delta", resume: { clicks: { epoch, seq } } });
    await clock.advance(3000);
    const reason = goneMs === 0 ? "rebuilt" : "resume_too_old";
    assert.deepEqual(
      take(again)
        .filter(({ type }) => type !== "heartbeat")
        .map((message) => {
          if (message.type === "reset") return message.reason;
          return message.type === "snapshot" ? message.complete : message.type;
        }),
      [reason, true],
    );
  });
