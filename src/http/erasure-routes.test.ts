import assert from "node:assert/strict";
import { test } from "node:test";
import { documented } from "../../test/support/documented.ts";
import { WeirError } from "../lib/errors.ts";
import type { ErasureAnswer } from "../protocol/erasures.ts";
import { erasureRoutes } from "./erasure-routes.ts";
import { createServer } from "./server.ts";

const erasure: ErasureAnswer = {
  ...{ erasure_id: "e1", by: "user_id", digests: ["d"], state: "waiting", events: null },
  ...{ requested_at: "2026-01-13T10:00:00Z", removed_at: null, finished_at: null },
};

test("erasures are asked for, listed and looked at", async () => {
  const asked: unknown[] = [];
  const eraser = {
    request: async (parameters: object) => (asked.push({ ...parameters }), erasure),
    latest: async (limit: number) => ({ count: 1, rules_left: limit, erasures: [erasure] }),
    get: async (id: string) => {
      if (id === "e1") return erasure;
      throw new WeirError("unknown_erasure", `there is no erasure ${id}`);
    },
  };
  const server = documented(
    createServer({ title: "Test", version: "0", logger: false, routes: [erasureRoutes(eraser)] }),
  );
  const answer = await server.inject({ method: "DELETE", url: "/events?user_id=a&user_id=b%20c" });
  assert.equal(answer.statusCode, 202);
  assert.equal(answer.headers.location, "/erasures/e1");
  assert.deepEqual(answer.json(), erasure);
  assert.deepEqual(asked, [{ user_id: ["a", "b c"] }]);
  const list = await server.inject("/erasures?limit=5");
  assert.deepEqual(list.json(), { count: 1, rules_left: 5, erasures: [erasure] });
  assert.equal((await server.inject("/erasures?limit=0")).statusCode, 400);
  assert.deepEqual((await server.inject("/erasures/e1")).json(), erasure);
  assert.equal((await server.inject("/erasures/e2")).statusCode, 404);
  await server.close();
});
