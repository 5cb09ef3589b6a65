import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withDesk } from "../../test/support/rule-desk.ts";
import { WeirError } from "../lib/errors.ts";
import type { RuleRecord } from "../rule/registry.ts";
import { secondsMaxOf } from "../rule/window.ts";
import { answering, computed, type Rulebook } from "./rulebook.ts";
import { newest, readable, readableVersions } from "./versions.ts";

const body = { rule_id: "r", window_size: "1m", metric: "count" };

const phases = (record: RuleRecord): string[] => record.versions.map((version) => version.phase);
const refused = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

test("a first rule on an empty log is live at once; on one with events it is filled", () =>
  withDesk(async (desk) => {
    const first = await desk.book.put(body, {});
    assert.equal(first.created, true);
    assert.deepEqual(phases(first.record), ["live"]);
    desk.end = 70;
    const { record } = await desk.book.put({ ...body, rule_id: "s" }, {});
    assert.deepEqual(phases(record), ["filling"]);
    assert.deepEqual(record.versions[0]?.activation, { 0: 70 });
    assert.notEqual(record.versions[0]?.series, first.record.versions[0]?.series);
    await desk.book.filled("s", record.versions[0].series);
    assert.deepEqual(phases(desk.book.get("s")), ["live"]);
  }));

test("the same body again stores nothing", () =>
  withDesk(async ({ book, registry }) => {
    await book.put({ ...body, group_by: ['payload["a"]'] }, {});
    const revision = await registry.revision();
    const again = await book.put({ active: true, group_by: ["payload.a"], ...body }, {});
    assert.equal(again.created, false);
    assert.equal(again.record.versions.length, 1);
    assert.equal(await registry.revision(), revision);
  }));

test("a changed rule is filled beside the old version, which answers and is computed until then", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    const old = (await book.put(body, {})).record.versions[0]!;
    desk.end = 10;
    const record = await book.patch("r", { window_size: "5m" }, { ifMatch: 1 });
    assert.deepEqual(phases(record), ["live", "filling"]);
    assert.equal(answering(record).version.version, 1);
    assert.equal(secondsMaxOf(answering(record).rule.window.size), 60);
    assert.deepEqual(
      computed([record]).map((version) => [version.filling, secondsMaxOf(version.rule.window.size)]),
      [
        [false, 60],
        [true, 300],
      ],
    );
    const { series } = record.versions[1]!;
    assert.notEqual(series, old.series);
    await book.filled("r", series);
    assert.deepEqual(phases(book.get("r")), ["retired", "live"]);
    assert.equal(answering(book.get("r")).version.version, 2);
    assert.deepEqual(
      computed(book.list()).map((version) => version.series),
      [series],
    );
    await book.filled("r", old.series);
    assert.deepEqual(phases(book.get("r")), ["retired", "live"], "what is retired stays so");
  }));

test("a version that is overtaken while it is being filled is retired at once", () =>
  withDesk(async (desk) => {
    await desk.book.put(body, {});
    desk.end = 10;
    const second = await desk.book.patch("r", { window_size: "5m" }, {});
    const third = await desk.book.patch("r", { window_size: "10m" }, {});
    assert.deepEqual(phases(third), ["live", "retired", "filling"]);
    await desk.book.filled("r", second.versions[1]!.series);
    assert.deepEqual(phases(desk.book.get("r")), ["live", "retired", "filling"]);
  }));

test("what has answered keeps its windows for a time, of the last five versions", () =>
  withDesk(async (desk) => {
    desk.end = 10;
    const numbers = (record: RuleRecord, now: number): number[] =>
      readableVersions(record, now).map((version) => version.version);
    for (let minutes = 1; minutes <= 7; minutes++) {
      const { record } = await desk.book.put({ ...body, window_size: `${minutes}m` }, {});
      await desk.book.filled("r", newest(record).series);
    }
    const record = desk.book.get("r");
    assert.deepEqual(numbers(record, Date.now()), [2, 3, 4, 5, 6, 7]);
    assert.equal(readable(record, 1, Date.now()), undefined);
    assert.equal(secondsMaxOf(readable(record, 4, Date.now())!.rule.window.size), 240);
    assert.deepEqual(numbers(record, Date.now() + 70_000), [7], "the others were kept for a minute");
    assert.deepEqual(computed([record]).length, 1, "they are not computed");
  }));

test("a pause goes on with the windows of the version before; both can be read, also once they are replaced", () =>
  withDesk(async (desk) => {
    await desk.book.put(body, {});
    desk.end = 10;
    await desk.book.patch("r", { active: false }, {});
    assert.equal(readableVersions(desk.book.get("r"), Date.now()).length, 2);
    const resumed = await desk.book.patch("r", { active: true }, {});
    await desk.book.filled("r", newest(resumed).series);
    const record = desk.book.get("r");
    assert.equal(readableVersions(record, Date.now()).length, 3);
    assert.equal(readableVersions(record, Date.now() + 70_000).length, 1);
  }));

test("a paused rule keeps its windows and is not computed; resumed, it is filled anew while the paused windows answer", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    const live = (await book.put(body, {})).record.versions[0]!;
    const paused = await book.patch("r", { active: false }, {});
    assert.deepEqual(phases(paused), ["retired", "paused"]);
    assert.equal(paused.versions[1]!.series, live.series);
    assert.equal(paused.versions[1]!.version, 2);
    assert.deepEqual(computed([paused]), []);
    desk.end = 10;
    const resumed = await book.patch("r", { active: true }, {});
    assert.deepEqual(phases(resumed), ["retired", "paused", "filling"]);
    assert.notEqual(resumed.versions[2]!.series, live.series);
    assert.equal(answering(resumed).version.version, 2);
    await book.filled("r", resumed.versions[2]!.series);
    assert.deepEqual(phases(book.get("r")), ["retired", "retired", "live"]);
  }));

test("paused while it is being filled, the version before keeps answering", () =>
  withDesk(async (desk) => {
    await desk.book.put(body, {});
    desk.end = 10;
    await desk.book.patch("r", { window_size: "5m" }, {});
    const paused = await desk.book.patch("r", { active: false }, {});
    assert.deepEqual(phases(paused), ["paused", "retired", "paused"]);
    assert.equal(answering(paused).version.version, 1);
    assert.deepEqual(computed([paused]), []);
  }));

test("a rule made paused has no windows and is filled when it is resumed", () =>
  withDesk(async (desk) => {
    desk.end = 10;
    const { record } = await desk.book.put({ ...body, active: false }, {});
    assert.deepEqual(phases(record), ["paused"]);
    assert.equal(answering(record).version.version, 1);
    assert.deepEqual(phases(await desk.book.patch("r", { active: true }, {})), ["retired", "filling"]);
  }));

test("a patch takes keys away by null, and its result is checked whole", () =>
  withDesk(async ({ book }) => {
    await book.put({ ...body, metric: "sum", field: "payload.price" }, {});
    await assert.rejects(book.patch("r", { metric: "count" }, {}), refused("invalid_rule"));
    const counted = await book.patch("r", { metric: "count", field: null }, {});
    assert.deepEqual(counted.versions[1]!.spec, { ...body, group_by: [], active: true });
    await assert.rejects(book.patch("r", { rule_id: "s" }, {}), refused("invalid_rule"));
    await assert.rejects(book.patch("r", ["active"], {}), refused("invalid_rule"));
    await assert.rejects(book.patch("r", { rule_id: "s", actve: true, window_size: "5x" }, {}), (error: WeirError) => {
      const paths = (error.details as { path: string }[]).map(({ path }) => path);
      assert.deepEqual(paths, ["rule_id", "actve", "window_size"]);
      return true;
    });
    await assert.rejects(book.patch("r", JSON.parse('{"__proto__": {"active": false}}'), {}), refused("invalid_rule"));
  }));

test("an earlier version is taken up again as a new one", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    await book.put(body, {});
    desk.end = 10;
    await book.patch("r", { window_size: "5m", group_by: ["user_id"] }, {});
    const third = await book.patch("r", { metric: "sum", field: "payload.a" }, {});
    await book.filled("r", newest(third).series);
    const back = await book.patch("r", { version: 1 }, { ifMatch: 3 });
    const { version, spec, rolledBackTo } = back.versions.at(-1)!;
    assert.deepEqual({ version, spec, rolledBackTo }, { version: 4, spec: back.versions[0]!.spec, rolledBackTo: 1 });
    assert.deepEqual(phases(back), ["retired", "retired", "live", "filling"]);
    assert.equal(new Set(back.versions.map(({ series }) => series)).size, 4);
    const again = await book.patch("r", { version: 4 }, {});
    assert.equal(again.versions.length, 4, "the newest version is there already");
    const forth = await book.patch("r", { version: 3 }, {});
    assert.deepEqual([newest(forth).spec.metric, newest(forth).rolledBackTo], ["sum", 3]);
    assert.deepEqual(
      [newest(forth).phase, newest(forth).series],
      ["live", third.versions[2]!.series],
      "it still answers",
    );
    const changed = await book.patch("r", { window_size: "1h" }, {});
    assert.equal(changed.versions.at(-1)!.rolledBackTo, undefined);
  }));

test("a version that is not kept is named with those that are; nothing may stand beside it", () =>
  withDesk(async ({ book }) => {
    await book.put(body, {});
    await book.patch("r", { window_size: "5m" }, {});
    await assert.rejects(book.patch("r", { version: 3 }, {}), (error) => {
      assert.ok(error instanceof WeirError && error.code === "unknown_version");
      assert.equal(error.message, 'rule "r" has no version 3; those kept are 1, 2');
      assert.deepEqual(error.details, { versions: [1, 2] });
      return true;
    });
    for (const version of [0, -1, 1.5, "1", null, true, [1], 2 ** 60])
      await assert.rejects(book.patch("r", { version }, {}), refused("invalid_rule"), String(version));
    await assert.rejects(book.patch("r", { version: 1, metric: "sum" }, {}), (error) => {
      assert.ok(error instanceof WeirError && Array.isArray(error.details));
      assert.deepEqual([error.details[0].path, error.details[0].value], ["metric", "sum"]);
      return true;
    });
    await assert.rejects(book.patch("r", { version: 1, active: true, rule_id: "r" }, {}), (error) => {
      assert.ok(error instanceof WeirError && error.code === "invalid_rule" && Array.isArray(error.details));
      assert.deepEqual(
        error.details.map((one: { path: string }) => one.path),
        ["active", "rule_id"],
      );
      return true;
    });
    await assert.rejects(book.patch("s", { version: 1 }, {}), refused("unknown_rule"));
    await assert.rejects(book.put({ ...body, version: 1 }, {}), refused("invalid_rule"));
    assert.equal(book.get("r").versions.length, 2);
  }));

test("a pending version that a crash left behind is completed by the next who asks", () =>
  withDesk(async (desk) => {
    desk.end = 10;
    desk.beforeEnds = () => Promise.reject(new Error("killed here"));
    await assert.rejects(desk.book.put(body, {}), /killed here/);
    assert.deepEqual(phases((await desk.registry.get("r"))!), ["pending"]);
    const processor = await desk.another();
    desk.end = 25;
    const targets = await processor.targets(await processor.current());
    assert.deepEqual(
      targets.map((target) => target.activation),
      [{ 0: 25 }],
    );
    assert.deepEqual((await desk.book.current()).map(phases), [["filling"]]);
  }));

test("two who complete the same version agree on one activation", () =>
  withDesk(async (desk) => {
    const processor = await desk.another();
    desk.end = 10;
    desk.beforeEnds = async () => {
      desk.end = 20;
      await processor.targets(await processor.current());
    };
    const { record } = await desk.book.put(body, {});
    assert.deepEqual(record.versions[0]!.activation, { 0: 20 });
    assert.deepEqual(await desk.registry.get("r"), record);
  }));

test("a rule deleted while it is being made is gone", () =>
  withDesk(async (desk) => {
    const other = await desk.another();
    desk.beforeEnds = () => other.remove("r", {});
    await assert.rejects(desk.book.put(body, {}), refused("unknown_rule"));
    assert.deepEqual(await desk.book.current(), []);
  }));

test("changes that race are all kept, one version each", () =>
  withDesk(async (desk) => {
    const other = await desk.another();
    desk.end = 10;
    const sizes = Array.from({ length: 20 }, (_, index) => `${index + 1}m`);
    await Promise.all(
      sizes.map((size, index) => (index % 2 ? other : desk.book).put({ ...body, window_size: size }, {})),
    );
    const [record] = await desk.book.current();
    assert.deepEqual(
      record!.versions.map((version) => version.version),
      sizes.map((_, index) => index + 1),
    );
    assert.equal(new Set(record!.versions.map((version) => version.series)).size, 20);
    assert.deepEqual(record!.versions.map((version) => version.spec.window_size).toSorted(), sizes.toSorted());
  }));

test("others see a change, and are told", () =>
  withDesk(async (desk) => {
    const other = await desk.another();
    const told = new Promise<void>((resolve) => other.onChange(resolve));
    await desk.book.put(body, {});
    assert.deepEqual(
      (await other.current()).map((record) => record.rule_id),
      ["r"],
    );
    await told;
    assert.equal(other.get("r").revision, desk.book.get("r").revision);
  }));

test("what this process changes is not read again, what others change is", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    await book.put({ ...body, rule_id: "a" }, {});
    const [known] = await book.current();
    await book.put(body, {});
    await book.patch("r", { window_size: "5m" }, {});
    const own = await book.current();
    assert.equal(own[0], known, "the very same record");
    const other = await desk.another();
    await other.patch("r", { window_size: "10m" }, {});
    await book.put({ ...body, rule_id: "s" }, {});
    const all = await book.current();
    assert.deepEqual(all, await desk.registry.all());
    await other.remove("a", {});
    await book.remove("s", {});
    assert.deepEqual(await book.current(), await desk.registry.all());
  }));

test("by any way of changes: at most one version is filled, one answers, and no series serves two computations", () =>
  fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), (changes) =>
      withDesk(async (desk) => {
        await desk.book.put(body, {});
        for (const step of changes) {
          desk.end += 1;
          await step.run(desk.book);
          const record = desk.book.get("r");
          const [filling, live] = ["filling", "live"].map(
            (phase) => phases(record).filter((found) => found === phase).length,
          );
          assert.ok(filling! <= 1 && live! <= 1 && !phases(record).includes("pending"));
          assert.equal(computed([record]).length, filling! + live!);
          const { spec } = record.versions.at(-1)!;
          assert.equal(spec.active, filling! + live! > 0, "active is computed, paused is not");
          const kept = record.versions
            .filter((version) => version.phase !== "retired")
            .map((version) => version.series);
          assert.equal(new Set(kept).size, kept.length);
        }
      }),
    ),
    { numRuns: 25 },
  ));

const change = fc.oneof(
  fc
    .constantFrom("1m", "5m", "10m")
    .map((size) => step(`window ${size}`, (book) => book.patch("r", { window_size: size }, {}))),
  fc
    .constantFrom("value > 1", "value > 2", null)
    .map((having) => step(`having ${having}`, (book) => book.patch("r", { having }, {}))),
  fc
    .constantFrom("1h", "2h", null)
    .map((retention) => step(`retention ${retention}`, (book) => book.patch("r", { retention }, {}))),
  fc.boolean().map((active) => step(`active ${active}`, (book) => book.patch("r", { active }, {}))),
  fc.constant(step("filled", (book) => book.filled("r", book.get("r").versions.at(-1)!.series))),
);

function step(name: string, run: (book: Rulebook) => Promise<unknown>): { run: typeof run; toString(): string } {
  return { run, toString: () => name };
}

test("a rule that is stopped is paused with the reason, and filled anew when it is resumed", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    const { series } = newest((await book.put(body, {})).record);
    desk.end = 10;
    assert.equal(await book.stop("r", series, "the engine refused it"), true);
    assert.equal(await book.stop("r", series, "said twice"), false);
    assert.equal(await book.stop("gone", series, "said of another"), false);
    const stopped = newest(book.get("r"));
    assert.deepEqual([stopped.phase, stopped.version, stopped.series], ["paused", 2, series]);
    assert.equal(stopped.stoppedBecause, "the engine refused it");
    assert.deepEqual(computed([book.get("r")]), []);
    const resumed = newest(await book.patch("r", { active: true }, {}));
    assert.deepEqual([resumed.phase, resumed.stoppedBecause], ["filling", undefined]);
    assert.notEqual(resumed.series, series);
  }));

test("of a rule that is being replaced, what answers until then is stopped alone; what is being filled stops the rule", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    const { series: old } = newest((await book.put(body, {})).record);
    desk.end = 10;
    const next = newest(await book.patch("r", { window_size: "5m" }, {}));
    await book.stop("r", old, "refused");
    assert.deepEqual(phases(book.get("r")), ["paused", "filling"]);
    await book.stop("r", next.series, "refused too");
    assert.deepEqual(phases(book.get("r")), ["paused", "retired", "paused"]);
    assert.equal(answering(book.get("r")).version.version, 1);
  }));
