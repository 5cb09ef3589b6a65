import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { offset, src } from "../event/position.ts";
import { planRollup } from "../rollup/plan.ts";
import { parseRule } from "../rule/parse.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { countByType, event, piece, range, start } from "./store-samples.suite.ts";
import type { EventKey, Store } from "./store.ts";

/** Texts of as many characters as ids may have, of the kinds that grow most on their way. */
const longTexts: Readonly<Record<string, (index: number) => string>> = {
  letters: (index) => `${index}${"x".repeat(250)}`,
  Cyrillic: (index) => `${index}${"ж".repeat(250)}`,
  Chinese: (index) => `${index}${"字".repeat(250)}`,
  emoji: (index) => `${index}${"🙂".repeat(250)}`,
  slashes: (index) => `${index}${"/".repeat(250)}`,
  "quotes and line ends": (index) => `${index}${"'\\\n\r\t,]".repeat(35)}`,
};

/** What a store owes however long the texts and lists are that people give. For one on a server, which has bounds for what travels. */
export function longValueCases(store: () => Store): void {
  describe("ids as long as they may be are found where they have to be named", () => {
    // Too much lies between them for all of it to be read.
    const beside = Array.from({ length: 11_000 }, (_, index) =>
      event(`beside${index}`, { timestamp: start + (index % 400) }),
    );
    for (const [at, [kind, text]] of Object.entries(longTexts).entries()) {
      test(kind, async () => {
        const keys: EventKey[] = Array.from({ length: 400 }, (_, index) => ({
          event_id: text(index),
          timestamp: start + index,
        }));
        const there = keys.filter((_, index) => index % 2 === 0);
        const stored = there.map(({ event_id, timestamp }) => event(event_id, { timestamp }));
        await store().insertRaw(src(70 + at), [piece(0, [...beside, ...stored])]);
        const found = await store().findIds(src(70 + at), keys, offset(20_000));
        assert.deepEqual(
          found.toSorted((a, b) => a.timestamp - b.timestamp),
          there,
        );
      });
    }
  });

  describe("a roll-up counts for all of its rules", () => {
    test("many whose filters have long lists of texts", async () => {
      const texts = (of: number): string[] => Array.from({ length: 190 }, (_, index) => `r${of}w${index}/ж`);
      const rules = Array.from({ length: 100 }, (_, of) => filtered(`event_type in ${JSON.stringify(texts(of))}`));
      const events = ["r0w0/ж", "r99w189/ж", "r99w0/ж", "none"].map((event_type, index) =>
        event(`l${index}`, { event_type }),
      );
      assert.deepEqual(await counted(store(), 80, 2_000, rules, events, [0, 1, 98, 99]), { 0: 1, 99: 2 });
    });

    test("many whose filters are long texts in Chinese", async () => {
      const long = "字".repeat(4_000);
      const rules = Array.from({ length: 30 }, (_, of) => filtered(`payload.text == "${long}${of}"`));
      const events = [0, 29, 29, 30].map((of, index) =>
        event(`c${index}`, { payload: JSON.stringify({ text: `${long}${of}` }) }),
      );
      assert.deepEqual(await counted(store(), 81, 3_000, rules, events, [0, 1, 28, 29]), { 0: 1, 29: 2 });
    });

    test("10,000 that are alike", async () => {
      const rules = Array.from({ length: 10_000 }, () => countByType);
      const seen = await counted(store(), 82, 2_000_000, rules, [event("a"), event("b")], [0, 1, 5_000, 9_999]);
      assert.deepEqual(seen, { 0: 2, 1: 2, 5_000: 2, 9_999: 2 });
    });
  });

  test("events of many users with long names are taken out", async () => {
    const users = Array.from({ length: 100 }, (_, index) => `${index}${"字".repeat(250)}`);
    const events = [...users, "stays"].map((user_id, index) => event(`e${index}`, { user_id }));
    await store().insertRaw(src(83), [piece(0, events)]);
    assert.equal(await store().noteErasing("long", { by: "user_id", values: users, below: { 83: 99 } }), 99);
    await store().eraseNoted(["long"]);
    assert.deepEqual(await store().storedOffsets(src(83), offset(0)), [99, 100]);
    await store().purge(["long"]);
  });
}

/** As rules may have it that are stored: longer than it would be taken today. */
function filtered(filter: string): CheckedRule {
  const body = { rule_id: "r", window_size: "1m", metric: "count", group_by: [], filter };
  const parsed = parseRule(body, () => true);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
}

/** What the rules at some places count, if anything. Their series are numbered from `firstSeries`. */
async function counted(
  store: Store,
  partition: number,
  firstSeries: number,
  rules: readonly CheckedRule[],
  events: readonly ReturnType<typeof event>[],
  places: readonly number[],
): Promise<Record<number, unknown>> {
  await store.insertRaw(src(partition), [piece(0, events)]);
  const all = range(partition, 0, events.length - 1);
  const targets = rules.map((rule, index) => ({ series: firstSeries + index, rule }));
  const of = <T>(value: T) => new Map(targets.map(({ series }) => [series, value]));
  const plan = planRollup(targets, "close", new Set(of(null).keys()));
  const bounds = { rooms: of(10), keptFrom: of(start) };
  await store.rollUp({ range: all, plan, marks: [{ series: 0, range: all }], counts: null, ...bounds });
  const counts: Record<number, unknown> = {};
  const selection = { from: 0, to: start + 86_400_000, filters: [], order: "newest", limit: 10 } as const;
  for (const place of places) {
    const [row] = await store.windows({ ...selection, series: firstSeries + place, rule: rules[place]! });
    if (row !== undefined) counts[place] = row.value;
  }
  return counts;
}
