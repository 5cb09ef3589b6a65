import assert from "node:assert/strict";
import { test } from "node:test";
import { withDesk } from "../../test/support/rule-desk.ts";
import type { Src } from "../event/position.ts";
import { offset, src } from "../event/position.ts";
import { isOutdated } from "../rule/registry.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";
import { withMissing, withRebuilds, withRebuilt } from "./rebuild.ts";
import {
  answering,
  computed,
  newest,
  readable,
  readableVersions,
  withActivation,
  withFilled,
  withSpec,
  withStopped,
} from "./versions.ts";

const now = Date.UTC(2026, 0, 13, 12);
const later = now + 60_000;
const spec: RuleSpec = { rule_id: "r", window_size: "1m", metric: "count", group_by: [], active: true };
const ends = (end: number): ReadonlyMap<Src, ReturnType<typeof offset>> => new Map([[src(0), offset(end)]]);

const version = (number: number, series: number, more: Partial<RuleVersion> = {}): RuleVersion => ({
  ...{ version: number, spec, series, phase: "live", activation: { 0: 7 }, createdAt: now },
  ...more,
});
const recordOf = (...versions: RuleVersion[]): RuleRecord => ({ rule_id: "r", revision: 1, versions });
const standing = (record: RuleRecord): string[] =>
  record.versions.map((one) => `v${one.version} ${one.phase} ${one.series}${one.outdated ? " outdated" : ""}`);

/** The record with everything begun anew, in force from offset 50 on; new series are 100, 101 … */
function begun(record: RuleRecord, end = 50): RuleRecord {
  let series = 100;
  return withActivation(
    withRebuilds(record, () => series++),
    ends(end),
    later,
  );
}
const filled = (record: RuleRecord, series: number): RuleRecord => {
  const next = withFilled(record, series, later);
  assert.ok(next, `${series} can't be filled: ${standing(record).join(", ")}`);
  return next;
};

test("what answers goes on answering and being computed until the same version is filled anew", () => {
  const record = begun(recordOf(version(1, 16)));
  assert.deepEqual(standing(record), ["v1 live 16 outdated", "v1 filling 100"]);
  assert.equal(isOutdated(record), true);
  assert.equal(answering(record).version.series, 16);
  assert.equal(newest(record).version, 1);
  assert.equal(readable(record, 1, now)?.version.series, 16);
  assert.deepEqual(
    computed([record]).map(({ series, filling, rebuilding, activation }) => ({
      series,
      filling,
      rebuilding,
      activation,
    })),
    [
      { series: 16, filling: false, rebuilding: false, activation: { 0: 7 } },
      { series: 100, filling: true, rebuilding: true, activation: { 0: 50 } },
    ],
  );
  const done = filled(record, 100);
  assert.deepEqual(standing(done), ["v1 live 100"]);
  assert.equal(isOutdated(done), false);
  assert.equal(newest(done).rebuilds, undefined);
  assert.equal(withFilled(done, 16, later), undefined);
});

test("what is paused is made anew up to the moment, and paused again; also where nothing was logged", () => {
  for (const end of [50, 0]) {
    const record = begun(recordOf(version(1, 16, { phase: "paused" })), end);
    assert.deepEqual(standing(record), ["v1 paused 16 outdated", "v1 filling 100"]);
    assert.deepEqual(standing(filled(record, 100)), ["v1 paused 100"]);
  }
  const never = recordOf(version(1, 16, { phase: "paused", activation: null }));
  assert.deepEqual(begun(never).versions, never.versions);
});

test("what is being filled begins from nothing, and the version before it is made anew as well", () => {
  const record = begun(recordOf(version(1, 16), version(2, 17, { phase: "filling" })));
  assert.deepEqual(standing(record), ["v1 live 16 outdated", "v1 filling 101", "v2 filling 100"]);
  assert.deepEqual(standing(filled(record, 101)), ["v1 live 101", "v2 filling 100"]);
  const overtaken = filled(record, 100);
  assert.deepEqual(standing(overtaken), ["v1 retired 16 outdated", "v2 live 100"]);
  assert.deepEqual(
    readableVersions(overtaken, now).map((one) => one.version),
    [2],
    "what is outdated is not kept",
  );
});

test("begun once more before it is done, nothing of the first time is used", () => {
  const twice = withActivation(
    withRebuilds(begun(recordOf(version(1, 16))), () => 200),
    ends(60),
    later,
  );
  assert.deepEqual(standing(twice), ["v1 live 16 outdated", "v1 filling 200"]);
  assert.equal(withFilled(twice, 100, later), undefined);
  assert.deepEqual(standing(filled(twice, 200)), ["v1 live 200"]);
});

test("windows of replaced versions go, but for those that share the windows of one that is made anew", () => {
  const kept = version(1, 16, { phase: "retired", keptUntil: later });
  const sharing = version(2, 17, { phase: "retired" });
  const record = filled(begun(recordOf(kept, sharing, version(3, 17))), 100);
  assert.deepEqual(standing(record), ["v1 retired 16", "v2 retired 100", "v3 live 100"]);
  assert.deepEqual(
    readableVersions(record, now).map((one) => one.version),
    [2, 3],
  );
});

test("a change that only reads otherwise takes over what is being made anew, never what is outdated", () => {
  const record = withSpec(begun(recordOf(version(1, 16))), { ...spec, having: "value > 1" }, { series: 99, now });
  assert.deepEqual(standing(record), ["v1 live 16 outdated", "v2 filling 100"]);
  assert.deepEqual(standing(filled(record, 100)), ["v1 retired 16 outdated", "v2 live 100"]);
});

test("a pause ends the making anew, which is taken up again by itself", () => {
  const paused = withSpec(begun(recordOf(version(1, 16))), { ...spec, active: false }, { series: 99, now });
  assert.deepEqual(standing(paused), ["v1 paused 16 outdated", "v2 paused 99"]);
  assert.equal(isOutdated(paused), true);
  const again = withMissing(paused, () => 200);
  assert.ok(again);
  const record = withActivation(again, ends(60), later);
  assert.deepEqual(standing(record), ["v1 paused 16 outdated", "v1 filling 200", "v2 paused 99"]);
  assert.equal(
    withMissing(record, () => 300),
    undefined,
    "what is under way is not missing",
  );
  assert.deepEqual(standing(filled(record, 200)), ["v1 paused 200", "v2 paused 99"]);
  assert.equal(withRebuilt(record, 16), undefined);
});

test("what the store refuses to make anew goes, and is not begun again until the rule is resumed", () => {
  const facts = { series: 99, now, stoppedBecause: "the engine says no" };
  const stopped = withStopped(begun(recordOf(version(1, 16))), 100, facts);
  assert.ok(stopped);
  assert.deepEqual(standing(stopped), ["v1 paused 16 outdated", "v2 paused 99"]);
  assert.equal(isOutdated(stopped), true);
  const dropped = withMissing(stopped, () => 200);
  assert.ok(dropped);
  assert.deepEqual(standing(dropped), ["v1 retired 16 outdated", "v2 paused 99"]);
  assert.equal(isOutdated(dropped), false);
  assert.deepEqual(readableVersions(dropped, now), []);
  assert.equal(
    withMissing(dropped, () => 200),
    undefined,
  );
  const resumed = withActivation(withSpec(dropped, spec, { series: 101, now }), ends(70), later);
  assert.deepEqual(standing(resumed).at(-1), "v3 filling 101");
});

test("the windows of a rule that was stopped before go at once, and it is filled from nothing when it is resumed", () => {
  const facts = { series: 99, now, stoppedBecause: "the engine says no" };
  const stopped = withStopped(recordOf(version(1, 16)), 16, facts);
  assert.ok(stopped);
  assert.deepEqual(standing(stopped), ["v1 retired 16", "v2 paused 16"]);
  const dropped = begun(stopped);
  assert.deepEqual(standing(dropped), ["v1 retired 16", "v2 paused 100"]);
  assert.deepEqual([newest(dropped).activation, newest(dropped).stoppedBecause], [null, "the engine says no"]);
  assert.equal(isOutdated(dropped), false);
  assert.deepEqual(readableVersions(dropped, now), []);
  const resumed = withActivation(withSpec(dropped, spec, { series: 101, now }), ends(70), later);
  assert.deepEqual(standing(resumed).at(-1), "v3 filling 101");
  assert.deepEqual(newest(resumed).activation, { 0: 70 });
});

test("an earlier version that the store refuses to make anew goes, and what has taken its place stays", () => {
  const facts = { series: 99, now, stoppedBecause: "the engine says no" };
  const replaced = begun(recordOf(version(1, 16), version(2, 17, { phase: "filling" })));
  assert.deepEqual(standing(replaced), ["v1 live 16 outdated", "v1 filling 101", "v2 filling 100"]);
  const paused = begun(
    recordOf(version(1, 16, { phase: "paused" }), version(2, 17, { phase: "paused", activation: null })),
  );
  assert.deepEqual(standing(paused), ["v1 paused 16 outdated", "v1 filling 100", "v2 paused 17"]);
  const table = [
    [replaced, 101, "v2 filling 100"],
    [paused, 100, "v2 paused 17"],
  ] as const;
  for (const [record, series, last] of table) {
    const stopped = withStopped(record, series, facts);
    assert.ok(stopped);
    assert.deepEqual(standing(stopped).at(-1), last);
    assert.equal(isOutdated(stopped), false);
    assert.equal(stopped.versions.filter((one) => one.phase !== "retired").length, 1);
    assert.equal(
      withMissing(stopped, () => 200),
      undefined,
    );
  }
});

test("a rulebook has nothing left to make anew of a rule that is stopped", () =>
  withDesk(async ({ book }) => {
    const { record } = await book.put({ rule_id: "r", window_size: "1m", metric: "count" }, {});
    await book.stop("r", newest(record).series, "the engine refused it");
    await book.rebuild();
    assert.equal(await book.goOnRebuilding(), 0);
    assert.equal(book.outdatedCount, 0);
  }));

test("a rulebook makes all rules anew in one change, and says when none is left", () =>
  withDesk(async (desk) => {
    for (const id of ["a", "b"]) await desk.book.put({ rule_id: id, window_size: "1m", metric: "count" }, {});
    desk.end = 10;
    const revision = await desk.registry.revision();
    await desk.book.rebuild();
    assert.equal(await desk.registry.revision(), revision + 2, "one that begins it, one with the log's ends");
    assert.equal(await desk.book.goOnRebuilding(), 2);
    const next = await desk.registry.takeSeries(1);
    assert.equal(await desk.book.goOnRebuilding(), 2);
    assert.equal(await desk.registry.revision(), revision + 2, "what goes on is left alone");
    assert.equal(await desk.registry.takeSeries(1), next + 1);
    for (const record of desk.book.list()) {
      assert.equal(newest(record).version, 1);
      await desk.book.filled(record.rule_id, newest(record).series);
    }
    assert.equal(await desk.book.goOnRebuilding(), 0);
    await desk.book.rebuild("a");
    await desk.book.patch("a", { window_size: "5m" }, {});
    assert.equal(await desk.book.goOnRebuilding(), 1, "the change has ended it, and it goes on");
    assert.equal(desk.book.get("a").versions.filter(({ phase }) => phase === "filling").length, 2);
    await assert.rejects(desk.book.rebuild("nobody"), { code: "unknown_rule" });
  }));
