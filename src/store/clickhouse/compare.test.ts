import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../lib/errors.ts";
import { parseRule } from "../../rule/parse.ts";
import { compare } from "./compare.ts";
import type { Connection } from "./connection.ts";

test("a comparison that takes more than it may is told as that, and not as a store that is away", async () => {
  const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count" });
  assert.ok(parsed.ok);
  const comparison = { series: 16, rule: parsed.rule, ranges: [], from: 0, limit: 1 };
  const compared = (code: string): Promise<unknown> => {
    const cause = Object.assign(new Error("exceeded"), { code });
    const failed = Promise.reject(new WeirError("store_unavailable", "the store can't answer", { cause }));
    const connection = { measured: () => failed } as unknown as Connection;
    return compare(connection, comparison, "events", new AbortController().signal);
  };
  await assert.rejects(compared("159"), { code: "timeout", message: /longer than a comparison may/ });
  await assert.rejects(compared("241"), { code: "too_costly", message: /more memory/ });
  await assert.rejects(compared("210"), { code: "store_unavailable" });
});
