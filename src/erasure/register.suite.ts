import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Erasure, ErasureRegister } from "./register.ts";

/** A place of its own for each case, which is opened as often as it is asked for. */
export interface RegisterPlace {
  readonly open: () => Promise<ErasureRegister>;
  readonly cleanup: () => Promise<void>;
}

export const sampleErasure = (id: string, more: Partial<Erasure> = {}): Erasure => ({
  ...{
    id,
    by: "user_id",
    values: ["u1", "u 2 \u{1F30A}"],
    digests: ["d"],
    below: { 0: 7, 3: 2 ** 40 },
    state: "waiting",
  },
  ...{ events: null, requestedAt: 5, removedAt: null, finishedAt: null },
  ...more,
});

const removing = { state: "removing", events: 3, values: [] } as const;
const nothing = { ...removing, state: "purging", events: 0, removedAt: 8 } as const;
const done = { ...removing, state: "done", removedAt: 8, finishedAt: 9 } as const;

/** What every register of erasures owes. */
export function registerSuite(name: string, place: () => Promise<RegisterPlace>): void {
  const withPlace = async (run: (place: RegisterPlace) => Promise<void>): Promise<void> => {
    const one = await place();
    try {
      await run(one);
    } finally {
      await one.cleanup();
    }
  };
  const ids = (erasures: readonly Erasure[]): string[] => erasures.map(({ id }) => id);

  describe(`the register of erasures: ${name}`, () => {
    test("an erasure is kept in its latest state, in the order of asking, also when it is opened again", () =>
      withPlace(async ({ open }) => {
        const register = await open();
        for (const id of ["a", "b", "c"]) await register.put(sampleErasure(id));
        await register.put(sampleErasure("a", removing));
        await register.put(sampleErasure("a", done));
        const again = await open();
        assert.deepEqual(ids(await again.unfinished()), ["b", "c"]);
        assert.deepEqual(ids(await again.latest(2)), ["c", "b"]);
        assert.deepEqual(await again.latest(3), [sampleErasure("c"), sampleErasure("b"), sampleErasure("a", done)]);
        assert.deepEqual(await again.get("a"), sampleErasure("a", done));
        assert.deepEqual(await again.get("b"), sampleErasure("b"));
        assert.equal(await again.get("d"), undefined);
      }));

    test("each state is found as it was put, with whom it was asked of", () =>
      withPlace(async ({ open }) => {
        const register = await open();
        const states = ["removing", "rebuilding", "purging", "done"] as const;
        await register.put(sampleErasure("a", { askedOf: "p" }));
        assert.deepEqual(await register.unfinished(), [sampleErasure("a", { askedOf: "p" })]);
        for (const state of states) {
          const next = sampleErasure("a", { ...removing, askedOf: "p", state, removedAt: 8 });
          await register.put(next);
          assert.deepEqual(await register.get("a"), next);
          assert.deepEqual(await register.unfinished(), state === "done" ? [] : [next]);
        }
      }));

    test("of two who put a step the first is kept, and no erasure goes back", () =>
      withPlace(async ({ open }) => {
        const register = await open();
        await register.put(sampleErasure("a"));
        await register.put(sampleErasure("a", removing));
        // Who was held up has found nothing any more.
        await register.put(sampleErasure("a", nothing));
        assert.deepEqual(await register.get("a"), sampleErasure("a", removing));
        await register.put(sampleErasure("a", done));
        await register.put(sampleErasure("a", removing));
        await register.put(sampleErasure("a"));
        assert.deepEqual(await register.get("a"), sampleErasure("a", done));
        assert.deepEqual(await register.unfinished(), []);
      }));

    test("where nothing was found, the first step leads to the last", () =>
      withPlace(async ({ open }) => {
        const register = await open();
        await register.put(sampleErasure("a"));
        await register.put(sampleErasure("a", nothing));
        assert.deepEqual(await register.get("a"), sampleErasure("a", nothing));
        await register.put(sampleErasure("a", removing));
        assert.deepEqual(await register.unfinished(), [sampleErasure("a", nothing)]);
        await register.put(sampleErasure("a", { ...done, events: 0 }));
        assert.deepEqual(await register.get("a"), sampleErasure("a", { ...done, events: 0 }));
        assert.deepEqual(await register.unfinished(), []);
      }));
  });
}
