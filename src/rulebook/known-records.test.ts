import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleRecord } from "../rule/registry.ts";
import { KnownRecords } from "./known-records.ts";

const record = (id: string, revision: number): RuleRecord => ({ rule_id: id, revision, versions: [] });

/** Records over a registry that answers what it has, each reading of all after what the test does meanwhile. */
function setUp(...first: readonly RuleRecord[]) {
  const has = { records: new Map(first.map((one) => [one.rule_id, one])), revision: first.length };
  let [readings, meanwhile] = [0, (): void => {}];
  const known = new KnownRecords(
    {
      revision: async () => has.revision,
      all: async () => {
        readings += 1;
        const read = [...has.records.values()];
        await Promise.resolve();
        meanwhile();
        return read;
      },
    },
    () => {},
  );
  /** A change that anybody makes. */
  const save = (id: string): RuleRecord => {
    const saved = record(id, ++has.revision);
    has.records.set(id, saved);
    return saved;
  };
  const remove = (id: string): RuleRecord => {
    const removed = has.records.get(id)!;
    has.revision += 1;
    has.records.delete(id);
    return removed;
  };
  /** The same as our own, which is known at once. */
  const ownSave = (id: string): void => {
    const stored = [save(id)];
    known.changed({ save: stored, remove: [] }, { revision: has.revision, records: stored });
  };
  const ownRemove = (id: string): void => {
    const removed = [remove(id)];
    known.changed({ save: [], remove: removed }, { revision: has.revision, records: [] });
  };
  const during = (does: () => void): void => void (meanwhile = does);
  const standing = (): string[] => known.list().map((one) => `${one.rule_id} ${one.revision}`);
  return { known, save, remove, ownSave, ownRemove, during, standing, readings: () => readings };
}

test("our own changes while all is read are not lost, and don't make the reading begin anew for ever", async () => {
  const { known, save, ownSave, ownRemove, during, standing, readings } = setUp(record("a", 1), record("b", 2));
  await known.refresh();
  save("c");
  during(() => {
    ownSave("a");
    ownRemove("b");
    ownSave("d");
  });
  await known.refresh();
  assert.deepEqual([standing(), readings()], [["a 4", "c 3", "d 6"], 2]);
  during(() => {});
  await known.refresh();
  assert.deepEqual(standing(), ["a 4", "c 3", "d 6"]);
});

test("what others have made of it after an own change is read, and is the newer one", async () => {
  const { known, save, remove, ownSave, ownRemove, during, standing } = setUp(record("a", 1), record("b", 2));
  await known.refresh();
  save("c");
  during(() => {
    ownSave("a");
    ownSave("b");
    ownRemove("c");
    save("a");
    remove("b");
    save("c");
  });
  await known.refresh();
  during(() => {});
  await known.refresh();
  assert.deepEqual(standing(), ["a 7", "c 9"]);
});

test("after a change of our own, be it a removal, nothing is read anew, but when others have changed something before", async () => {
  const { known, save, ownSave, ownRemove, standing, readings } = setUp(record("a", 1), record("b", 2));
  await known.refresh();
  ownRemove("a");
  await known.refresh();
  ownSave("c");
  await known.refresh();
  assert.deepEqual([standing(), readings()], [["b 2", "c 4"], 1]);
  save("d");
  ownRemove("b");
  await known.refresh();
  assert.deepEqual([standing(), readings()], [["c 4", "d 5"], 2]);
});

test("a doubt that comes while all is read is ended by the next reading only", async () => {
  const { known, save, during, readings } = setUp(record("a", 1));
  await known.refresh();
  save("b");
  let doubts = 1;
  during(() => doubts-- > 0 && known.doubt());
  await known.refresh();
  assert.deepEqual([known.inDoubt, readings()], [false, 3]);
});

test("the revision that is known is one of which nothing is lacking", async () => {
  const { known, save, ownSave, ownRemove } = setUp(record("a", 1));
  assert.equal(known.revision, 0);
  await known.refresh();
  assert.equal(known.revision, 1);
  ownSave("b");
  assert.equal(known.revision, 2, "our own, next to what is known");
  save("c");
  ownSave("d");
  assert.deepEqual([known.revision, known.newest], [2, 4], "somebody else's is in between");
  await known.refresh();
  assert.equal(known.revision, 4);
  ownRemove("d");
  assert.equal(known.revision, 5, "a removal of our own, too");
});

test("of what is counted by nothing is newer than the newest revision, also where it came while all was read", async () => {
  const { known, save, ownSave, ownRemove, during } = setUp(record("a", 1));
  const asked = known.refresh();
  save("b");
  await asked;
  assert.deepEqual([known.find("b")?.revision, known.revision, known.newest], [2, 1, 2], "read with all");
  during(() => (ownSave("a"), ownRemove("b")));
  await known.refresh();
  assert.deepEqual([known.revision, known.newest], [2, 4]);
  during(() => {});
  await known.refresh();
  assert.deepEqual([known.revision, known.newest], [4, 4]);
});

test("the list is the same until something changes, and another after every change", async () => {
  const { known, save, ownSave, ownRemove, standing } = setUp(record("b", 1));
  const lists = new Set<readonly RuleRecord[]>();
  const changes = [() => save("c"), () => ownSave("a"), () => ownRemove("b"), () => save("b")];
  for (const change of [() => {}, ...changes]) {
    change();
    await known.refresh();
    lists.add(known.list());
    await known.refresh();
    assert.ok(lists.has(known.list()), "nothing has changed");
  }
  assert.equal(lists.size, 1 + changes.length);
  assert.deepEqual(standing(), ["a 3", "b 5", "c 2"]);
  ownSave("a");
  assert.deepEqual(standing(), ["a 6", "b 5", "c 2"], "at once");
});
