import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../src/live/limits.ts";
import { callsAtOnce } from "../src/store/clickhouse/connection.ts";
import { places } from "../src/store/clickhouse/engine/places.ts";
import { embeddedFacts, serverFacts } from "../src/store/clickhouse/facts.ts";

/** Of each of these one question is asked at a time. */
const onceAsked = ["counts of rules", "sums", "verification"];

test("what reads the store may take all together leaves a place to counting, of an embedded engine and of a server", () => {
  const besideQuestions = defaultLimits.readsMax + onceAsked.length;
  assert.ok(embeddedFacts("").questionsAtOnce + besideQuestions < Math.min(places.reads, callsAtOnce));
  assert.ok(serverFacts().questionsAtOnce + besideQuestions < callsAtOnce);
});
