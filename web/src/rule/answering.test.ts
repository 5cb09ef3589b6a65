import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../../client/src/weir.ts";
import type { LiveState, RuleVersionsAnswer } from "../../../client/src/weir.ts";
import { showingOf, specOf } from "./answering.ts";
import { chartOf } from "./series.ts";

const now = { rule_id: "r", window_size: "1m", metric: "sum", group_by: ["payload.country"], version: 2 };
const before = { ...now, metric: "count", group_by: ["event_type"], version: 1 };
const versions: RuleVersionsAnswer["versions"] = [now, before].map((spec) => ({
  ...spec,
  active: true,
  state: spec === now ? "filling" : "live",
  readable: true,
  created_at: "2026-01-13T10:00:00Z",
}));
const rows: LiveState["rows"] = [5, 7].map((value) => ({
  window_start: "2026-01-13T10:00:00Z",
  window_end: "2026-01-13T10:01:00Z",
  value,
  final: true,
  event_type: `type ${value}`,
}));

test("while a changed rule is filled, the windows of the version before are drawn as that one says", () => {
  const drawn = specOf(now, versions, 1);
  assert.deepEqual([drawn?.metric, drawn?.group_by], ["count", ["event_type"]]);
  assert.deepEqual(drawn && chartOf(rows, drawn).lines.map(({ label, values }) => [label, values]), [
    ["type 5", [5]],
    ["type 7", [7]],
  ]);
});

test("windows of the newest version need no list, those of one that is not known yet are not drawn", () => {
  assert.equal(specOf(now, [], 2), now);
  assert.equal(specOf(now, [], 1), undefined);
  assert.equal(specOf(now, versions, 3), undefined);
  assert.equal(specOf(now, versions, undefined), undefined);
});

const error = new WeirError("too_large", "100,001 rows are too many to be kept live");

test("of windows that can't be followed it is said why; only where none have come there are none", () => {
  assert.equal(showingOf({ status: "ended", rows: [], error }, undefined), "refused");
  assert.equal(showingOf({ status: "live", rows: [] }, now), "none");
  assert.equal(showingOf({ status: "connecting", rows: [] }, undefined), "loading");
  assert.equal(showingOf({ status: "ended", rows, error }, now), "windows");
  assert.equal(showingOf({ status: "live", rows }, undefined), "loading");
});
