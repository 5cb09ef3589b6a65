import type { Failpoint } from "../../src/lib/failpoint.ts";

/**
 * Failpoints that a load of events with a new rule to fill does not pass, and the test in which a process dies there: where
 * an event is refused, something is erased, memory is scarce, or rules are in MongoDB. All others are
 * failpoint.fault.test.ts's; failpoint-places.test.ts sees that none is nobody's.
 */
export const elsewhere: Readonly<Partial<Record<Failpoint, string>>> = {
  "between-parts": "scarce-memory.fault.test.ts",
  "mid-bisection": "poison.load.test.ts",
  "before-reject": "poison.load.test.ts",
  "after-reject": "poison.load.test.ts",
  "mid-replay": "poison.load.test.ts",
  "mid-erasure": "erasure.fault.test.ts",
  "rules-half-staged": "../../src/rule/mongo/mongo-registry.mongo.test.ts",
  "rules-staged": "../../src/rule/mongo/mongo-registry.mongo.test.ts",
  "rules-changed": "../../src/rule/mongo/mongo-registry.mongo.test.ts",
};
