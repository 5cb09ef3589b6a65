import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { diesAt, openAccounts, sumOf, transfer, writesUntilKilled } from "../../test/support/accounts.ts";
import type { Failpoint } from "../lib/failpoint.ts";
import type { MadeChange, Registry, RuleRecord } from "./registry.ts";

export interface RegistryPlace {
  /** Opens the registry of this place once more, as another process would. */
  open(): Promise<Registry>;
  /** A module's text whose `registry` is the same, for a process of its own. */
  readonly opener: string;
  /** The named places that a change passes, and whether it is made when the process dies there. */
  readonly failpoints: Readonly<Partial<Record<Failpoint, "made" | "not made">>>;
  cleanup(): Promise<void>;
}

/** Every duty of the `Registry` contract, for any adapter. */
export function registrySuite(name: string, place: () => Promise<RegistryPlace>): void {
  const withPlace = (title: string, body: (place: RegistryPlace) => Promise<void>): void => {
    test(title, async () => {
      const here = await place();
      try {
        await body(here);
      } finally {
        await here.cleanup();
      }
    });
  };

  describe(`registry: ${name}`, () => {
    withPlace("keeps what was saved, also when opened again", async ({ open }) => {
      const registry = await open();
      assert.deepEqual(await registry.all(), []);
      assert.equal(await registry.get("a"), undefined);
      const stored = await save(registry, record("a", 0));
      assert.ok(stored !== undefined && stored.revision > 0);
      assert.deepEqual(stored, record("a", stored.revision));
      await registry.close();
      const again = await open();
      assert.deepEqual(await again.all(), [stored]);
      assert.deepEqual(await again.get("a"), stored);
      await again.close();
    });

    withPlace("saves only on the revision that the caller has seen", async ({ open }) => {
      const registry = await open();
      const first = (await save(registry, record("a", 0)))!;
      assert.equal(await save(registry, record("a", 0)), undefined, "it exists");
      assert.equal(await save(registry, record("a", first.revision + 1)), undefined, "not yet");
      assert.equal(await save(registry, record("b", first.revision)), undefined, "never existed");
      const second = (await save(registry, record("a", first.revision, 5)))!;
      assert.ok(second.revision > first.revision);
      assert.deepEqual(await registry.get("a"), record("a", second.revision, 5));
      await registry.close();
    });

    withPlace("removes only on the revision that the caller has seen", async ({ open }) => {
      const registry = await open();
      const { revision } = (await save(registry, record("a", 0)))!;
      assert.equal(await remove(registry, "a", revision + 1), undefined);
      assert.equal(await remove(registry, "b", revision), undefined);
      assert.equal(await remove(registry, "a", 0), undefined);
      assert.deepEqual(await remove(registry, "a", revision), { revision: revision + 1, records: [] });
      assert.equal(await remove(registry, "a", revision), undefined);
      assert.deepEqual(await registry.all(), []);
      assert.ok(await save(registry, record("a", 0)), "the id is free again");
      await registry.close();
    });

    withPlace("an id that was removed and made again has no revision that it had before", async ({ open }) => {
      const [registry, other] = [await open(), await open()];
      const held: RuleRecord[] = [];
      for (let round = 0; round < 5; round++) {
        let last = (await save(registry, record("a", 0)))!;
        held.push(last);
        for (let change = 0; change < round; change++) {
          last = (await save(other, last))!;
          held.push(last);
        }
        assert.ok(await remove(other, "a", last.revision));
      }
      const now = (await save(registry, record("a", 0, 99)))!;
      assert.equal(new Set([now, ...held].map(({ revision }) => revision)).size, held.length + 1);
      for (const old of held) {
        assert.equal(await save(other, old), undefined, "who holds an old record saves over nothing");
        assert.equal(await remove(other, "a", old.revision), undefined);
      }
      assert.deepEqual(await other.get("a"), now);
      await registry.close();
      await other.close();
    });

    withPlace("a change of several records is made as a whole or not at all", async ({ open }) => {
      const registry = await open();
      const { records } = (await registry.change({ save: [record("a", 0), record("b", 0)], remove: [] }))!;
      const [a, b] = records;
      const before = await registry.revision();
      const lost = [
        { save: [record("c", 0), record("a", 0)], remove: [] },
        { save: [{ ...a!, versions: [] }, record("b", b!.revision + 9)], remove: [] },
        { save: [record("c", 0)], remove: [a!, record("b", b!.revision + 9)] },
        { save: [record("c", 7)], remove: [a!] },
      ];
      for (const change of lost) assert.equal(await registry.change(change), undefined);
      assert.deepEqual(await registry.all(), [a, b]);
      assert.equal(await registry.revision(), before);
      const made = await registry.change({ save: [record("c", 0), record("a", a!.revision, 5)], remove: [b!] });
      assert.equal(await registry.revision(), before + 1);
      assert.equal(made?.revision, before + 1);
      const stored = made.records;
      assert.ok(stored.every(({ revision }) => revision === before + 1));
      assert.deepEqual(
        stored.map(({ rule_id: id }) => id),
        ["c", "a"],
      );
      assert.deepEqual(await registry.all(), stored.toReversed());
      await registry.close();
    });

    withPlace("of many who race, one wins each revision", async ({ open }) => {
      const registries = [await open(), await open()];
      let last = (await save(registries[0]!, record("a", 0)))!;
      for (let round = 1; round <= 10; round++) {
        const tries = Array.from({ length: 20 }, (_, index) =>
          save(registries[index % 2]!, record("a", last.revision, index)),
        );
        const won = (await Promise.all(tries)).filter((stored) => stored !== undefined);
        assert.equal(won.length, 1);
        last = won[0]!;
        assert.deepEqual(await registries[1]!.get("a"), last);
      }
      for (const registry of registries) await registry.close();
    });

    withPlace("twenty writers change two records each at once, and who reads sees whole changes", async ({ open }) => {
      const registries = await Promise.all(Array.from({ length: 4 }, open));
      await openAccounts(registries[0]!, 6);
      const before = await registries[0]!.revision();
      let [going, reads] = [true, 0];
      const reading = registries.slice(0, 2).map(async (registry) => {
        for (; going; reads++) assert.equal(sumOf(await registry.all()), 6000);
      });
      const writing = Array.from({ length: 20 }, (_, index) => transfer(registries[index % 4]!, index, 5));
      const made = (await Promise.all(writing)).flat().length;
      going = false;
      await Promise.all(reading);
      assert.equal(made, 100);
      assert.ok(reads > 10, `${reads} readings`);
      for (const registry of registries) {
        assert.equal(await registry.revision(), before + made);
        assert.equal(sumOf(await registry.all()), 6000);
        assert.deepEqual(await registry.all(), await registries[0]!.all());
      }
      const afresh = await open();
      assert.deepEqual(await afresh.all(), await registries[0]!.all());
      await afresh.close();
      for (const registry of registries) await registry.close();
    });

    withPlace(
      "of a process that is killed, others see whole changes, and all that it was told are made",
      async (place) => {
        const registry = await place.open();
        await openAccounts(registry, 6);
        for (let kills = 0; kills < 3; kills++) {
          const told = await writesUntilKilled(place.opener, { changes: 10 + kills });
          assert.equal(sumOf(await registry.all()), 6000);
          assert.ok((await registry.revision()) >= Math.max(...told), `${told.join()} were told`);
          assert.equal((await transfer(registry, kills, 2)).length, 2, "others go on");
        }
        await registry.close();
      },
    );

    withPlace("a process that dies at a named place of a change has made all of it, or nothing", async (place) => {
      for (const [failpoint, outcome] of Object.entries(place.failpoints)) {
        const registry = await place.open();
        const rules = Array.from({ length: 1200 }, (_, index) => `${failpoint}-${index}`);
        await diesAt(place.opener, failpoint, rules);
        const found = (await registry.all()).filter(({ rule_id: id }) => id.startsWith(`${failpoint}-`));
        assert.equal(found.length, outcome === "made" ? rules.length : 0, failpoint);
        const again = await registry.change({ save: [record(`${failpoint}-0`, found[0]?.revision ?? 0)], remove: [] });
        assert.equal(again?.records.length, 1, `after ${failpoint} others go on`);
        const afresh = await place.open();
        assert.deepEqual(await afresh.all(), await registry.all());
        for (const one of [registry, afresh]) await one.close();
      }
    });

    withPlace("its revision changes with every change of any record, and only then", async ({ open }) => {
      const [registry, other] = [await open(), await open()];
      const seen = new Set([await registry.revision()]);
      const first = (await save(registry, record("a", 0)))!;
      seen.add(await registry.revision());
      const second = (await save(other, record("b", 0)))!;
      seen.add(await registry.revision());
      await save(other, first);
      seen.add(await registry.revision());
      await remove(registry, "b", second.revision);
      seen.add(await registry.revision());
      assert.equal(seen.size, 5);
      await save(registry, first);
      await remove(registry, "b", second.revision);
      seen.add(await registry.revision());
      assert.equal(seen.size, 5, "a lost change is none");
      await registry.close();
      await other.close();
    });

    withPlace("gives each series once, from 16 on, also after it was opened again", async ({ open }) => {
      const taken: number[] = [];
      for (let round = 0; round < 3; round++) {
        const registries = [await open(), await open()];
        const counts = Array.from({ length: 10 }, (_, index) => (index % 3) + 1);
        const takes = counts.map(async (count, index) => {
          const first = await registries[index % 2]!.takeSeries(count);
          return Array.from({ length: count }, (_, more) => first + more);
        });
        taken.push(...(await Promise.all(takes)).flat());
        for (const registry of registries) await registry.close();
      }
      assert.equal(new Set(taken).size, 57);
      assert.ok(Math.min(...taken) >= 16);
    });

    withPlace("tells watchers of changes, also of others, until they stop", async ({ open }) => {
      const [registry, other] = [await open(), await open()];
      let calls = 0;
      const stop = registry.watch(() => (calls += 1));
      await save(registry, record("a", 0));
      await until(() => calls > 0);
      const own = calls;
      await save(other, record("b", 0));
      await until(() => calls > own);
      stop();
      const before = calls;
      await save(registry, record("c", 0));
      await sleep(20);
      assert.equal(calls, before);
      await registry.close();
      await other.close();
    });

    withPlace("keeps hard texts as they are", async ({ open }) => {
      const registry = await open();
      const path = 'payload["quote \\" newline \\n nul \\u0000 ü 🎉 \'; DROP TABLE rules; --"]';
      const hard = record("a", 0);
      const versions = [{ ...hard.versions[0]!, spec: { ...hard.versions[0]!.spec, group_by: [path] } }];
      await save(registry, { ...hard, versions });
      assert.deepEqual((await registry.get("a"))?.versions, versions);
      await registry.close();
    });
  });
}

async function save(registry: Registry, one: RuleRecord): Promise<RuleRecord | undefined> {
  return (await registry.change({ save: [one], remove: [] }))?.records[0];
}

function remove(registry: Registry, ruleId: string, revision: number): Promise<MadeChange | undefined> {
  return registry.change({ save: [], remove: [record(ruleId, revision)] });
}

function record(ruleId: string, revision: number, series = 16): RuleRecord {
  const spec = { rule_id: ruleId, window_size: "1m", metric: "count", group_by: [], active: true };
  return {
    rule_id: ruleId,
    revision,
    versions: [{ version: 1, spec, series, phase: "live", activation: { 0: 0 }, createdAt: 1 }],
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 120_000; performance.now() < end && !condition();) await sleep(10);
  assert.ok(condition(), "nothing was told");
}
