import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import { planRollup, type RollupTarget, spanKey } from "./plan.ts";
import { renderWindows } from "./read.ts";
import { renderRollup } from "./render.ts";

function targets(...bodies: object[]): RollupTarget[] {
  return bodies.map((body, index) => {
    const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count", ...body });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return { series: 16 + index, rule: parsed.rule };
  });
}

const shapesOf = (...bodies: object[]): string[] =>
  planRollup(targets(...bodies)).shapes.map(
    (shape) =>
      `${spanKey(shape.pane)}s by ${shape.groupBy.join()}: ${shape.members.map((member) => member.series).join()}`,
  );

test("a field is listed once, however often and however written", () => {
  const sum = { metric: "sum", field: "payload.a", group_by: ["payload.a", 'payload["b"]'] };
  const plan = planRollup(targets(sum, { metric: "max", field: 'payload["a"]', group_by: ["payload.b"] }));
  assert.deepEqual(
    plan.fields.map((field) => field.kind === "payload" && field.path),
    [["a"], ["b"]],
  );
});

test("rules of the same groups share a shape by a pane that theirs are made of", () => {
  assert.deepEqual(shapesOf({ window_size: "10s" }, { window_size: "15s" }, { window_size: "7s" }), [
    "1s by : 16,17,18",
  ]);
  assert.deepEqual(shapesOf({ window_size: "1h" }, { window_size: "90m" }), ["1800s by : 16,17"]);
});

test("panes of another size and groups in another order are shapes of their own", () => {
  const [a, b] = ["event_type", "user_id"];
  assert.deepEqual(
    shapesOf({ window_size: "59s" }, { window_size: "1m" }, { window_size: "1h" }, { window_size: "1d" }),
    ["59s by : 16", "60s by : 17", "3600s by : 18", "86400s by : 19"],
  );
  assert.deepEqual(shapesOf({ group_by: [a, b] }, { group_by: [b, a] }, { group_by: [a, b] }), [
    "60s by 0,1: 16,18",
    "60s by 1,0: 17",
  ]);
});

test("for events close together panes of any size are one shape, but for those of the calendar", () => {
  const rules = targets({ window_size: "10s" }, { window_size: "1h" }, { window_size: "1w", timezone: "UTC" });
  const { shapes } = planRollup(rules, "close");
  assert.deepEqual(
    shapes.map(({ pane, members }) => [spanKey(pane), members.length]),
    [
      ["10", 2],
      ["week UTC", 1],
    ],
  );
});

test("nothing that a user wrote is in a statement's text", () => {
  const key = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `zq${text}qz`);
  fc.assert(
    fc.property(
      fc.array(key, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 100_001, max: 2_592_000 }),
      (keys, seconds) => {
        const path = `payload${keys.map((part) => `[${JSON.stringify(part)}]`).join("")}`;
        const [target] = targets({ window_size: `${seconds}s`, metric: "uniq_exact", field: path, group_by: [path] });
        const range = { src: src(0), from: offset(777_001), to: offset(777_002) };
        const rollup = renderRollup(planRollup([target!]), range, {
          marks: [{ key: keys[0]! }],
          counts: { src: 0, events: 777_003, duplicates: 777_004 },
          whole: "weir",
        });
        const group = [keys[0]!];
        const filters = [{ key: 0, value: keys[0]! }];
        const behind = { windowStart: 777_005_000, windowEnd: 777_005_060, group };
        const read = renderWindows({
          series: 777_006,
          rule: target!.rule,
          from: 777_007_000,
          to: 777_008_000,
          filters,
          order: "oldest",
          limit: 777_009,
          behind,
        });
        assert.doesNotMatch(rollup.sql + read.sql, /zq|qz|7770/);
        assert.ok(!rollup.sql.includes(String(seconds)));
      },
    ),
  );
});
