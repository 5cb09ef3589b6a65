import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Registry, RuleRecord } from "./registry.ts";

export interface RegistryPlace {
  /** Opens the registry of this place once more, as another process would. */
  open(): Promise<Registry>;
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
      assert.equal(await registry.save(record("a", 0)), true);
      await registry.close();
      const again = await open();
      assert.deepEqual(await again.all(), [{ ...record("a", 0), revision: 1 }]);
      assert.deepEqual(await again.get("a"), { ...record("a", 0), revision: 1 });
      await again.close();
    });

    withPlace("saves only on the revision that the caller has seen", async ({ open }) => {
      const registry = await open();
      assert.equal(await registry.save(record("a", 0)), true);
      assert.equal(await registry.save(record("a", 0)), false, "it exists");
      assert.equal(await registry.save(record("a", 2)), false, "not yet");
      assert.equal(await registry.save(record("b", 1)), false, "never existed");
      assert.equal(await registry.save(record("a", 1, 5)), true);
      assert.deepEqual(await registry.get("a"), { ...record("a", 1, 5), revision: 2 });
      await registry.close();
    });

    withPlace("removes only on the revision that the caller has seen", async ({ open }) => {
      const registry = await open();
      await registry.save(record("a", 0));
      assert.equal(await registry.remove("a", 2), false);
      assert.equal(await registry.remove("b", 1), false);
      assert.equal(await registry.remove("a", 1), true);
      assert.equal(await registry.remove("a", 1), false);
      assert.deepEqual(await registry.all(), []);
      assert.equal(await registry.save(record("a", 0)), true, "the id is free again");
      await registry.close();
    });

    withPlace("of many who race, one wins each revision", async ({ open }) => {
      const registries = [await open(), await open()];
      await registries[0]!.save(record("a", 0));
      for (let revision = 1; revision <= 10; revision++) {
        const tries = Array.from({ length: 20 }, (_, index) =>
          registries[index % 2]!.save(record("a", revision, index)),
        );
        const won = (await Promise.all(tries)).flatMap((ok, index) => (ok ? [index] : []));
        assert.equal(won.length, 1);
        assert.deepEqual(await registries[1]!.get("a"), { ...record("a", revision, won[0]), revision: revision + 1 });
      }
      for (const registry of registries) await registry.close();
    });

    withPlace("its revision changes with every change of any record, and only then", async ({ open }) => {
      const [registry, other] = [await open(), await open()];
      const seen = new Set([await registry.revision()]);
      await registry.save(record("a", 0));
      seen.add(await registry.revision());
      await other.save(record("b", 0));
      seen.add(await registry.revision());
      await other.save(record("a", 1));
      seen.add(await registry.revision());
      await registry.remove("b", 1);
      seen.add(await registry.revision());
      assert.equal(seen.size, 5);
      await registry.save(record("a", 1));
      await registry.remove("b", 1);
      seen.add(await registry.revision());
      assert.equal(seen.size, 5, "a lost change is none");
      await registry.close();
      await other.close();
    });

    withPlace("gives each series once, from 16 on, also after it was opened again", async ({ open }) => {
      const taken: number[] = [];
      for (let round = 0; round < 3; round++) {
        const registries = [await open(), await open()];
        taken.push(
          ...(await Promise.all(Array.from({ length: 10 }, (_, index) => registries[index % 2]!.takeSeries()))),
        );
        for (const registry of registries) await registry.close();
      }
      assert.equal(new Set(taken).size, 30);
      assert.ok(Math.min(...taken) >= 16);
    });

    withPlace("tells watchers of changes, also of others, until they stop", async ({ open }) => {
      const [registry, other] = [await open(), await open()];
      let calls = 0;
      const stop = registry.watch(() => (calls += 1));
      await registry.save(record("a", 0));
      await until(() => calls > 0);
      const own = calls;
      await other.save(record("b", 0));
      await until(() => calls > own);
      stop();
      const before = calls;
      await registry.save(record("c", 0));
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
      await registry.save({ ...hard, versions });
      assert.deepEqual((await registry.get("a"))?.versions, versions);
      await registry.close();
    });
  });
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
  for (let tries = 0; tries < 500 && !condition(); tries++) await sleep(10);
  assert.ok(condition(), "nothing was told");
}
