import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { lines, verifyRules } from "./upkeep.ts";

/** A server whose rules come to these results when they are verified. */
async function serverOf(context: TestContext, results: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer(({ url = "" }, answer) => {
    const id = /\/(\w+)\/verification/.exec(url)?.[1];
    const listed = Object.keys(results).map((name) => ({ rule_id: name }));
    const verified = { rule_id: id, version: 1, different: 0, differences: [], reason: "it sleeps", compared: "value" };
    const body = id === undefined ? { rules: listed } : { ...verified, result: results[id] };
    answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("nothing that could be compared is not the same as nothing that differs", async (context) => {
  const queryUrl = await serverOf(context, { good: "equal", bad: "different", asleep: "not_comparable" });
  const said: string[] = [];
  const verified = (rule: string | null, at = queryUrl) =>
    verifyRules({ queryUrl: at, rule, clock: systemClock, print: (line) => void said.push(line) });
  assert.deepEqual([await verified("good"), await verified("bad"), await verified("asleep")], [0, 1, 2]);
  assert.equal(said.at(-1), "asleep version 1: not compared, it sleeps");
  assert.equal(await verified(null), 1);
  for (const [results, code] of [
    [{}, 0],
    [{ asleep: "not_comparable", also: "not_comparable" }, 2],
    [{ asleep: "not_comparable", good: "equal" }, 0],
  ] as const)
    assert.equal(await verified(null, await serverOf(context, results)), code, JSON.stringify(results));
});

test("a comparison is told in a line, and each difference in one more", () => {
  const head = { rule_id: "r", version: 3, different: 0, differences: [] };
  assert.deepEqual(lines({ ...head, result: "equal" }), ["r version 3: as the stored events give it"]);
  assert.deepEqual(lines({ ...head, result: "not_comparable", reason: "it sleeps" }), [
    "r version 3: not compared, it sleeps",
  ]);
  const differences = [{ window_start: "2026-01-13T10:00:00Z", group: ["DE", null], stored: "1", expected: "2" }];
  assert.deepEqual(lines({ ...head, result: "different", compared: "value", different: 5, differences }), [
    "r version 3: 5 differ by their value",
    '  2026-01-13T10:00:00Z\t["DE",null]\tstored 1\texpected 2',
    "  … and 4 more",
  ]);
});
