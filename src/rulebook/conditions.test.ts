import assert from "node:assert/strict";
import { test } from "node:test";
import { withDesk } from "../../test/support/rule-desk.ts";
import { WeirError } from "../lib/errors.ts";
import { newest } from "./versions.ts";

const body = { rule_id: "r", window_size: "1m", metric: "count" };
const refused = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

test("a rule that must be new is made once, however many make it", () =>
  withDesk(async (desk) => {
    const books = [desk.book, await desk.another()];
    const sizes = ["1m", "5m", "10m", "15m"];
    const made = await Promise.allSettled(
      sizes.map((window_size, index) => books[index % 2]!.put({ ...body, window_size }, { ifNew: true })),
    );
    const [won, ...others] = made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    assert.ok(won?.created && others.length === 0);
    for (const one of made) if (one.status === "rejected") assert.ok(refused("version_conflict")(one.reason));
    const { versions } = (await desk.registry.get("r"))!;
    assert.deepEqual(
      versions.map(({ spec }) => spec.window_size),
      [newest(won.record).spec.window_size],
    );
    await assert.rejects(desk.book.tryPut(body, { ifNew: true }), refused("version_conflict"));
    assert.equal((await desk.book.tryPut({ ...body, rule_id: "new" }, { ifNew: true })).effect, "create");
  }));

test("If-Match names the newest version, or the change is refused", () =>
  withDesk(async ({ book }) => {
    await assert.rejects(book.put(body, { ifMatch: 1 }), refused("version_conflict"));
    await book.put(body, {});
    await assert.rejects(book.put({ ...body, window_size: "5m" }, { ifMatch: 2 }), refused("version_conflict"));
    await assert.rejects(book.patch("r", { window_size: "5m" }, { ifMatch: 2 }), refused("version_conflict"));
    await assert.rejects(book.remove("r", { ifMatch: 2 }), refused("version_conflict"));
    await book.put({ ...body, window_size: "5m" }, { ifMatch: 1 });
    await book.remove("r", { ifMatch: 2 });
    assert.throws(() => book.get("r"), refused("unknown_rule"));
    await assert.rejects(book.remove("r", {}), refused("unknown_rule"));
    await assert.rejects(book.patch("r", {}, {}), refused("unknown_rule"));
  }));
