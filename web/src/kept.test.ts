import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetText, keepText, keptText } from "./kept.ts";

/** Runs something where the browser's store is what `store` gives. */
function withStore(store: () => object, run: () => void): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: store });
  try {
    run();
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "localStorage");
    else Object.defineProperty(globalThis, "localStorage", before);
  }
}

test("a browser that keeps nothing is no reason to fail", () => {
  const denied = (): never => {
    throw new Error("denied");
  };
  withStore(denied, () => {
    assert.equal(keptText("a"), undefined);
    assert.equal(keepText("a", "x"), false);
    forgetText("a");
  });
});

test("what there is no room for is not kept, and neither is what it was before", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => {
      if (text.length > 5) throw new Error("QuotaExceededError");
      kept.set(key, text);
    },
    removeItem: (key: string) => kept.delete(key),
  };
  withStore(
    () => store,
    () => {
      assert.equal(keepText("a", "short"), true);
      assert.equal(keptText("a"), "short");
      assert.equal(keepText("a", "too long"), false);
      assert.equal(keptText("a"), undefined);
    },
  );
});
