import type { TestContext } from "node:test";

/** As much of a browser's document as parts of pages ask for that are tested without one; as long as the test runs. */
export function seenPage(t: TestContext): { hidden: boolean } {
  const page = { hidden: false };
  Object.defineProperty(globalThis, "document", { configurable: true, value: page });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  return page;
}
