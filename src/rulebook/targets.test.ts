import assert from "node:assert/strict";
import { test } from "node:test";
import { withDesk } from "../../test/support/rule-desk.ts";

const body = { rule_id: "r", window_size: "1m", metric: "count" };

test("what is to be computed is worked out once, and anew after every change, our own and that of others", () =>
  withDesk(async (desk) => {
    const [{ book }, other] = [desk, await desk.another()];
    const asked = async () => book.targets(await book.current());
    await book.put(body, {});
    const first = await asked();
    assert.equal(await asked(), first);
    desk.end = 10;
    await book.put({ ...body, rule_id: "s" }, {});
    const own = await asked();
    assert.deepEqual([own.map(({ filling }) => filling), await asked()], [[false, true], own]);
    assert.equal(own[0], first[0], "of a record that is the same, too");
    await other.current();
    await other.filled("s", own[1]!.series);
    assert.deepEqual(
      (await asked()).map(({ filling }) => filling),
      [false, false],
    );
    await other.remove("r", {});
    assert.deepEqual(
      (await asked()).map(({ rule_id: id }) => id),
      ["s"],
    );
  }));
