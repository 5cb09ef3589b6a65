import assert from "node:assert/strict";
import { test } from "node:test";
import { withDesk } from "../../test/support/rule-desk.ts";
import { WeirError } from "../lib/errors.ts";
import { newest } from "./versions.ts";

const body = { rule_id: "r", window_size: "1m", metric: "count" };

const refused = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

test("a null in a patch does not hide that its key is none", () =>
  withDesk(async ({ book }) => {
    await book.put({ ...body, retention: "1h" }, {});
    const patch = { retension: null, retention: null, window_size: null };
    await assert.rejects(book.patch("r", patch, {}), (error: WeirError) => {
      const found = (error.details as { path: string; message: string }[]).map(({ path, message }) => [path, message]);
      assert.deepEqual(found, [
        ["retension", "is not a key of a rule; did you mean retention?"],
        ["window_size", "is required"],
      ]);
      return true;
    });
    const { spec } = newest(await book.patch("r", { retention: null, top_n: null, active: null, group_by: null }, {}));
    assert.deepEqual(spec, { ...body, group_by: [], active: true });
  }));

test("a patch with more keys than a rule can have is one mistake", () =>
  withDesk(async ({ book }) => {
    await book.put(body, {});
    const odd = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1]));
    for (const patch of [odd, { ...odd, version: 1 }])
      await assert.rejects(book.patch("r", patch, {}), (error: WeirError) => {
        assert.equal((error.details as unknown[]).length, 1);
        return refused("invalid_rule")(error) && /has 100\d keys, which is more/.test(error.message);
      });
  }));
