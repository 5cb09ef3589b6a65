import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endOfSpan } from "./calendar.ts";
import { parseRule } from "./parse.ts";
import { oldestKept } from "./retention.ts";
import type { CheckedRule } from "./rule.ts";

function ruleOf(fields: object): CheckedRule {
  const parsed = parseRule({ rule_id: "r", metric: "count", ...fields });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
}

const at = Date.parse("2026-03-29T12:30:00Z");
const iso = (ms: number): string => new Date(ms).toISOString().replace(".000", "");

test("a window is kept until so long after its end", () => {
  const table: [object, string][] = [
    [{ window_size: "1h", retention: "1h" }, "2026-03-29T11:00:00Z"],
    [{ window_size: "30m", retention: "1h" }, "2026-03-29T11:30:00Z"],
    [{ window_size: "1h", hop: "15m", retention: "1h" }, "2026-03-29T10:45:00Z"],
    [{ window_size: "1h", hop: "15m", window_type: "cumulative", retention: "1h" }, "2026-03-29T11:00:00Z"],
    [{ window_size: "1d", timezone: "Europe/Berlin", retention: "2d" }, "2026-03-26T23:00:00Z"],
    [{ window_size: "1mo", retention: "3650d" }, "2016-03-01T00:00:00Z"],
  ];
  for (const [fields, from] of table) assert.equal(iso(oldestKept(ruleOf(fields), at)), from, JSON.stringify(fields));
  assert.equal(oldestKept(ruleOf({ window_size: "1h" }), at), 0);
  assert.equal(oldestKept(ruleOf({ window_size: "1h", retention: "1h" }), 1000), 0);
});

test("the first window that is kept has not ended so long ago, and the one before has", () => {
  const seconds = fc.integer({ min: 1, max: 90_000 });
  const hops = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(seconds, hops, fc.nat(1_000_000), fc.nat(2_000_000_000), (hop, many, more, now) => {
      const size = { unit: "second", count: hop * many } as const;
      const kind = many === 1 ? ("tumbling" as const) : ("hopping" as const);
      const span = { unit: "second", count: hop } as const;
      const retentionSeconds = size.count + more;
      const rule = {
        ...ruleOf({ window_size: "1h" }),
        window: { kind, size, hop: span, pane: span },
        retentionSeconds,
      };
      const ended = now * 1000 - retentionSeconds * 1000;
      const start = oldestKept(rule, now * 1000);
      assert.ok(start === 0 || endOfSpan(size, start - hop * 1000) <= ended, "the one before has gone");
      assert.ok(endOfSpan(size, start) > ended, "it has not");
    }),
  );
});
