import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { Caretaker } from "./caretaker.ts";

const now = Date.UTC(2026, 0, 13, 12);
const minuteMs = 60_000;

const version = (series: number, more: Partial<RuleVersion>, retention?: string): RuleVersion => ({
  version: series,
  spec: {
    rule_id: "r",
    window_size: "1m",
    metric: "count",
    group_by: [],
    active: true,
    ...(retention === undefined ? {} : { retention }),
  },
  series,
  phase: "live",
  activation: { 0: 0 },
  createdAt: 0,
  ...more,
});

/** A caretaker of these versions; what it does to the store and to rooms, in words. */
function withVersions(versions: RuleVersion[], stored: number[] = [], rooms: number[] = []) {
  const clock = new SimulatedClock(now);
  const records: RuleRecord[] = [{ rule_id: "r", revision: 1, versions }];
  const done: string[] = [];
  const forgotten: number[] = [];
  let fails = false;
  const caretaker = new Caretaker({
    clock,
    store: {
      seriesKept: async () => stored,
      dropSeries: async (series) => void done.push(`drop ${series}`),
      dropWindows: async (expired) => {
        done.push(...expired.map(({ series, before }) => `${series} before ${new Date(before).toISOString()}`));
        if (fails) throw new Error("away");
        return [];
      },
      forgetMarks: async () => {},
      joinFillMarks: async (of, series) => void done.push(`join ${series.join(" ")} of ${of}`),
    },
    log: { committed: async () => offset(0) },
    rules: { current: async () => records, ruleOf },
    progress: { seriesChanged: (series) => done.push(`changed ${series}`) },
    groups: {
      forget: (series) => forgotten.push(series),
      rowsGone: (gone) => void (gone.length > 0 && done.push(`gone ${gone.join(" ")}`)),
      series: () => rooms,
    },
  });
  return { caretaker, clock, forgotten, done: () => done.splice(0), fail: (now: boolean) => (fails = now) };
}

test("series that no rule knows go, and those of replaced versions once their time is over", async () => {
  const kept = version(17, { phase: "retired", keptUntil: now + minuteMs });
  const { caretaker, clock, done } = withVersions(
    [version(16, { phase: "retired" }), kept, version(18, {})],
    [15, 16, 17, 18],
  );
  await caretaker.dropOrphans();
  assert.deepEqual(done(), ["drop 15", "changed 15", "drop 16", "changed 16"]);
  await clock.advance(2 * minuteMs);
  await caretaker.dropOrphans();
  assert.deepEqual(
    done().filter((what) => what.startsWith("drop")),
    ["drop 15", "drop 16", "drop 17"],
  );
});

test("who drops no series forgets the rooms of those that are not needed all the same", async () => {
  const kept = version(17, { phase: "retired", keptUntil: now + minuteMs });
  const versions = [version(16, { phase: "retired" }), kept, version(18, {})];
  const { caretaker, done, forgotten } = withVersions(versions, [15, 16], [15, 16, 17, 18]);
  await caretaker.forgetRooms();
  assert.deepEqual([forgotten, done()], [[15, 16], []]);
});

test("expired windows go of every version that keeps windows, again after a twentieth of the retention", async () => {
  const { caretaker, clock, done } = withVersions([
    version(16, { phase: "retired" }, "1h"),
    version(17, { phase: "retired", keptUntil: now + 60 * minuteMs }, "2h"),
    version(18, { phase: "paused" }, "10m"),
    version(19, { phase: "pending", activation: null }, "1h"),
    version(20, {}),
    version(21, {}, "1h"),
  ]);
  await caretaker.dropExpired();
  assert.deepEqual(done(), [
    "17 before 2026-01-13T10:00:00.000Z",
    "18 before 2026-01-13T11:50:00.000Z",
    "21 before 2026-01-13T11:00:00.000Z",
  ]);
  await clock.advance(minuteMs);
  await caretaker.dropExpired();
  assert.deepEqual(done(), ["18 before 2026-01-13T11:51:00.000Z"]);
  await clock.advance(2 * minuteMs);
  await caretaker.dropExpired();
  assert.deepEqual(done(), ["18 before 2026-01-13T11:53:00.000Z", "21 before 2026-01-13T11:03:00.000Z"]);
});

test("of a deletion that failed it is not known which groups have gone: their lists are looked at anew", async () => {
  const { caretaker, done, fail } = withVersions([version(17, {}, "1h")]);
  fail(true);
  await assert.rejects(caretaker.dropExpired(), /away/);
  assert.deepEqual(done().at(-1), "gone 17");
});

test("a clock that leaps ahead deletes nothing for an hour; by then somebody has set it right", async () => {
  const kept = version(17, { phase: "retired", keptUntil: now + 60 * minuteMs });
  const { caretaker, clock, done } = withVersions([kept, version(18, {}, "1h")], [17, 18]);
  clock.step(120 * minuteMs);
  await clock.advance(minuteMs);
  await caretaker.dropExpired();
  await caretaker.dropOrphans();
  assert.deepEqual(done(), ["18 before 2026-01-13T11:01:00.000Z"]);
  clock.step(-120 * minuteMs);
  await clock.advance(3 * minuteMs);
  await caretaker.dropExpired();
  assert.deepEqual(done(), ["18 before 2026-01-13T11:04:00.000Z"]);
});

test("windows of a rule that can't be read stay, and those of others go all the same", async () => {
  const readable = version(17, {}, "1h");
  const { caretaker, done } = withVersions([
    version(16, { phase: "paused", spec: { ...readable.spec, having: "value >" } }, "1h"),
    readable,
  ]);
  await caretaker.dropExpired();
  assert.deepEqual(done(), ["17 before 2026-01-13T11:00:00.000Z"]);
});

function ruleOf({ spec }: RuleVersion): CheckedRule | undefined {
  const parsed = parseRule(spec);
  return parsed.ok ? parsed.rule : undefined;
}

test("marks of fills are joined once, hourly, of fills that were finished an hour before", async () => {
  const versions = [
    version(16, {}),
    version(17, { phase: "filling" }),
    version(18, { phase: "retired", keptUntil: now + 100 * minuteMs * 60 }),
    version(19, { phase: "pending", activation: null }),
    version(20, { phase: "retired" }),
    // The same series, which a later version has taken over while it was filled.
    version(21, { phase: "retired", keptUntil: now + 100 * minuteMs * 60 }),
    version(21, { phase: "filling" }),
  ];
  const { caretaker, clock, done } = withVersions(versions);
  const joined = async (): Promise<string[]> => (await caretaker.joinFillMarks(src(3)), done());
  assert.deepEqual(await joined(), []);
  versions[1] = version(17, {});
  await clock.advance(59 * minuteMs);
  assert.deepEqual(await joined(), []);
  await clock.advance(minuteMs);
  assert.deepEqual(await joined(), ["join 16 18 of 3"]);
  assert.deepEqual(await joined(), []);
  await clock.advance(60 * minuteMs);
  assert.deepEqual(await joined(), ["join 17 of 3"]);
  await clock.advance(60 * minuteMs);
  assert.deepEqual(await joined(), []);
});
