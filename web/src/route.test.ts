import assert from "node:assert/strict";
import { test } from "node:test";
import { hrefOf, routeOf } from "./route.ts";
import type { Route } from "./route.ts";

test("the address of each page leads to it", () => {
  const routes: readonly Exclude<Route, { page: "unknown" }>[] = [
    { page: "overview" },
    { page: "rules" },
    { page: "try" },
    { page: "new" },
    { page: "events", tab: "arriving" },
    { page: "events", tab: "rejects" },
    ...["new", "a.b-c_1", "edit"].flatMap((ruleId) => [
      { page: "rule", ruleId } as const,
      { page: "edit", ruleId } as const,
    ]),
  ];
  for (const route of routes) assert.deepEqual(routeOf(hrefOf(route)), route);
});

test("a slash at the end leads nowhere else", () => {
  assert.deepEqual(routeOf("#/rules/"), { page: "rules" });
  assert.deepEqual(routeOf("#/events/rejects/"), { page: "events", tab: "rejects" });
  assert.deepEqual(routeOf("#/rules/a/"), { page: "rule", ruleId: "a" });
  assert.deepEqual(routeOf("#//"), { page: "overview" });
});

test("what is no page is told as it stands, whatever is in it", () => {
  assert.deepEqual(routeOf("#/rulez"), { page: "unknown", path: "rulez" });
  assert.deepEqual(routeOf("#/%E0%A4%A"), { page: "unknown", path: "%E0%A4%A" });
  assert.deepEqual(routeOf(""), { page: "overview" });
});
