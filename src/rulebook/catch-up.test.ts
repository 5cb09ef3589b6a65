import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withDesk } from "../../test/support/rule-desk.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import type { Registry, RuleRecord } from "../rule/registry.ts";
import { Rulebook } from "./rulebook.ts";

const rule = (rule_id: string, window_size = "1m") => ({ rule_id, window_size, metric: "count" });
const newestSeries = 200;

/** What each series was given to. */
class Owners {
  readonly #owners = new Map<number, string>();

  note({ rule_id, versions }: RuleRecord): void {
    for (const { series, version } of versions) {
      const owner = `${rule_id} v${version}`;
      assert.equal(this.#owners.get(series) ?? owner, owner, `of series ${series}`);
      this.#owners.set(series, owner);
    }
  }
}

/** The registry as a process has it whose every call comes to its turn when the scheduler says so. */
function scheduled(registry: Registry, scheduler: fc.Scheduler, owners: Owners): Registry {
  const turn = (name: string): Promise<void> => scheduler.schedule(Promise.resolve(), name);
  return {
    all: () => turn("all").then(() => registry.all()),
    get: (id) => turn("get").then(() => registry.get(id)),
    revision: () => turn("revision").then(() => registry.revision()),
    takeSeries: (count) => turn("takeSeries").then(() => registry.takeSeries(count)),
    change: async (change) => {
      await turn("change");
      const made = await registry.change(change);
      made?.records.forEach((record) => owners.note(record));
      return made;
    },
    watch: () => () => {},
    trouble: () => undefined,
    close: async () => {},
  };
}

test("processes that start together on rules older than the store give no series to two versions", () =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 3 }), (scheduler, processes) =>
      withDesk(async (desk) => {
        const owners = new Owners();
        desk.end = 10;
        const { series } = (await desk.book.put(rule("r"), {})).record.versions[0]!;
        await desk.book.filled("r", series);
        await desk.book.put(rule("r", "5m"), {});
        await desk.book.put(rule("s"), {});
        const ends = async () => new Map([[src(0), offset(10)]]);
        const start = async (name: string): Promise<boolean> => {
          const registry = scheduled(desk.registry, scheduler, owners);
          const book = new Rulebook({ registry, ends, clock: systemClock, keepReplacedMs: 60_000 });
          const wereOlder = await book.catchUp(newestSeries);
          await book.put(rule(name), {});
          return wereOlder;
        };
        const names = ["a", "b", "c"].slice(0, processes);
        const found = await scheduler.waitFor(Promise.all(names.map(start)));
        assert.ok(found.includes(true));
        const records = await desk.registry.all();
        const stand = records.flatMap(({ versions }) => versions.filter(({ phase }) => phase === "filling"));
        assert.equal(stand.length, 3 + processes, "v1 of r anew, v2 of it, s, and the new ones");
        assert.ok(stand.every((version) => version.series > newestSeries));
      }),
    ),
    { numRuns: 60 },
  ));
