import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { patientFetch } from "./patient-fetch.ts";
import { lines, rebuildRules, verifyRules } from "./upkeep.ts";

type Reply = readonly [status: number, body: unknown];

const refusal = (status: number, message: string): Reply => [
  status,
  { error: { code: status === 404 ? "unknown_rule" : "store_unavailable", message } },
];

/** A server that answers so. */
async function serverThat(context: TestContext, reply: (path: string) => Reply): Promise<string> {
  const server = createServer(({ url = "" }, answer) => {
    const [status, body] = reply(url);
    answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server whose rules come to these results when they are verified; what is no result is why it fails. */
const serverOf = (context: TestContext, results: Readonly<Record<string, string>>): Promise<string> =>
  serverThat(context, (path) => {
    const id = /\/(\w+)\/verification/.exec(path)?.[1];
    const listed = Object.keys(results).map((name) => ({ rule_id: name }));
    if (id === undefined) return [200, { rules: listed }];
    const result = results[id] ?? "";
    if (result.includes(" ")) return refusal(result.includes("no rule") ? 404 : 503, result);
    const verified = { rule_id: id, version: 1, different: 0, differences: [], reason: "it sleeps", compared: "value" };
    return [200, { ...verified, result }];
  });

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

test("a rule that can't be compared costs no other, and is no difference", async (context) => {
  const said: string[] = [];
  const queryUrl = await serverOf(context, { big: "it takes too long", good: "equal" });
  const print = (line: string): void => void said.push(line);
  assert.equal(await verifyRules({ queryUrl, rule: null, clock: systemClock, print }), 2);
  assert.deepEqual(said, ["big: not compared, it takes too long", "good version 1: as the stored events give it"]);
});

test("a rule that was deleted while others were compared is told, and none that failed, unless it is the one", async (context) => {
  const said: string[] = [];
  const queryUrl = await serverOf(context, { gone: "there is no rule gone", good: "equal" });
  const verified = (rule: string | null) =>
    verifyRules({ queryUrl, rule, clock: systemClock, print: (line) => void said.push(line) });
  assert.equal(await verified(null), 0);
  assert.deepEqual(said, ["gone: not compared, there is no rule gone", "good version 1: as the stored events give it"]);
  assert.equal(await verified("gone"), 2);
});

test("where a server has moved to is followed, a few times, and with what changes something only as it was asked", async (context) => {
  const there = await serverOf(context, { good: "equal" });
  const server = createServer(({ url = "" }, answer) => {
    const status = url.startsWith("/found") ? 302 : 308;
    answer.writeHead(status, { location: url.startsWith("/round") ? "/round" : `${there}${url}` }).end();
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const queryUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal(await verifyRules({ queryUrl, rule: null, clock: systemClock, print: () => {} }), 0);
  const status = async (path: string, method: string) => (await patientFetch(`${queryUrl}${path}`, { method })).status;
  assert.deepEqual([await status("/found", "GET"), await status("/found", "POST")], [200, 302]);
  assert.deepEqual([await status("/moved", "POST"), await status("/round", "GET")], [200, 308]);
});

test("an answer may begin as late as it likes", async (context) => {
  // Node's own gives up after five minutes.
  context.mock.method(globalThis, "fetch", () => assert.fail("it waits too short"));
  const queryUrl = await serverOf(context, { good: "equal" });
  assert.equal(await verifyRules({ queryUrl, rule: null, clock: systemClock, print: () => {} }), 0);
  const answer = await patientFetch(`${queryUrl}/x/verification`, {});
  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/json"]);
  const { signal } = new AbortController();
  await assert.rejects(patientFetch("http://127.0.0.1:1", { signal }), { code: "ECONNREFUSED" });
  await assert.rejects(patientFetch(queryUrl, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("values can't speak to the terminal", () => {
  const differences = [
    { window_start: "2026-01-13T10:00:00Z", group: ["\u009B2J"], stored: "\u202E", expected: "a\u001B" },
  ];
  const head = { rule_id: "r", version: 3, different: 1, differences };
  assert.equal(
    lines({ ...head, result: "different", compared: "value" })[1],
    '  2026-01-13T10:00:00Z\t["\\u009b2J"]\tstored \\u202e\texpected a\\u001b',
  );
});

test("only what was made anew is said to be", async (context) => {
  let lists = 0;
  const rule = (rule_id: string, state: string, more = {}) => ({ rule_id, state, progress: 0.5, ...more });
  const queryUrl = await serverThat(context, (path) => {
    const [, , id, rebuilds] = path.split("/");
    if (rebuilds !== undefined) return id === "odd" ? refusal(503, "no store") : [202, { rule_id: id }];
    lists += 1;
    if (lists === 1)
      return [200, { rules: ["good", "odd", "stopped", "gone", "asleep", "held"].map((name) => rule(name, "live")) }];
    if (lists === 2)
      return [
        200,
        {
          rules: [
            rule("good", "filling"),
            rule("stopped", "filling"),
            rule("gone", "filling"),
            rule("asleep", "filling"),
            rule("held", "filling", { waiting_for: "a part is damaged" }),
          ],
        },
      ];
    return [
      200,
      {
        rules: [
          rule("good", "live"),
          rule("stopped", "paused", { stopped_because: "too costly" }),
          rule("asleep", "paused", { outdated: true }),
          rule("held", "filling", { waiting_for: "a part is damaged" }),
        ],
      },
    ];
  });
  const said: string[] = [];
  const rebuild = (only: string | null) =>
    rebuildRules({ queryUrl, rule: only, clock: systemClock, print: (line) => void said.push(line) });
  assert.equal(await rebuild(null), 1);
  assert.deepEqual(said.splice(0), [
    "being filled: good 50 %, stopped 50 %, gone 50 %, asleep 50 %",
    "odd: not made anew, no store",
    "stopped: not made anew, the server has paused it: too costly",
    "gone: not made anew, it was deleted meanwhile",
    "asleep: not made anew, it was changed or paused meanwhile; the server goes on with it",
    "held: not made anew, it stands still, and its windows answer as they are: a part is damaged. The server tries again by itself",
    "made anew: good",
  ]);
  assert.equal(await rebuild("good"), 0);
  assert.deepEqual(said, ["made anew: good"]);
});
