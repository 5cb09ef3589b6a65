import assert from "node:assert/strict";
import { test } from "node:test";
import { Weir } from "../../client/src/weir.ts";
import type { LiveState, StatsRow } from "../../client/src/weir.ts";
import { clientWorld, json, refusal } from "../../test/support/client-world.ts";
import type { Answering } from "../../test/support/client-world.ts";
import { rulesIn } from "./rule-files.ts";
import { runRules } from "./rules.ts";
import { runStats } from "./stats.ts";
import { table } from "./table.ts";
import { runTail, screen } from "./tail.ts";
import { windowTable } from "./windows.ts";

const row = (value: number, more: Partial<StatsRow> = {}): StatsRow => ({
  window_start: "2026-01-14T10:00:00Z",
  "payload.country": "DE",
  value,
  window_end: "2026-01-14T11:00:00Z",
  final: false,
  ...more,
});

function terminal(isTty: boolean, lines = 24) {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  return { written, isTty, json: !isTty, hasColours: false, columns: () => 60, lines: () => lines, write };
}

function weirOf(answer: Answering): Weir {
  return new Weir({ surroundings: clientWorld(answer).surroundings });
}

test("columns are as wide as their widest cell, numbers stand right, and no line is longer than the screen", () => {
  const rows = [
    ["a", 5],
    ["longer", 1234],
  ];
  assert.deepEqual(table(["rule", "n"], rows), ["rule       n", "a          5", "longer  1234"]);
  assert.deepEqual(table(["rule", "n"], rows, 8), ["rule   …", "a      …", "longer …"]);
});

test("values can't speak to the terminal", () => {
  const [, line = ""] = table(["x"], [["a\u001B[2Jb\nc\u202Ed"]]);
  assert.equal(line, "a\\u001b[2Jb\\u000ac\\u202ed");
});

test("windows have a column for each group, and say what is odd", () => {
  const rows = [
    row(3),
    row(2, { "payload.country": null, final: true }),
    row(1, { "payload.country": null, overflow: true }),
    { ...row(0), value: [{ value: "x", count: 2 }] },
  ];
  assert.deepEqual(
    windowTable(rows).map((line) => line.replaceAll(/ +/g, " ")),
    [
      "window payload.country value",
      "2026-01-14T10:00:00Z DE 3 open",
      "2026-01-14T10:00:00Z (none) 2",
      "2026-01-14T10:00:00Z (overflow) 1 open",
      "2026-01-14T10:00:00Z DE x (2) open",
    ],
  );
});

test("a file has a rule, a list or a document, and what it has not is said with its name", () => {
  const read = (text: string) => rulesIn("r.json", () => text).map(({ rule_id }) => rule_id);
  assert.deepEqual(read('{"rule_id":"a"}'), ["a"]);
  assert.deepEqual(read('[{"rule_id":"a"},{"rule_id":"b"}]'), ["a", "b"]);
  assert.deepEqual(read('{"rules":[{"rule_id":"a"}]}'), ["a"]);
  assert.throws(() => read("{"), /^Error: r\.json is not JSON: /);
  assert.throws(() => read("7"), /r\.json: it has no "rule_id"/);
  assert.throws(() => read('[{"rule_id":"a"},{}]'), /r\.json: its rule 2 has no "rule_id"/);
  const missing = (): never => assert.fail("no such file");
  assert.throws(() => rulesIn("x.json", missing), /x\.json can't be read: no such file/);
});

test("apply sends all files as one, and says what became of each rule", async () => {
  const asked: string[] = [];
  const weir = weirOf(({ method, url, body }) => {
    asked.push(`${method} ${url.pathname} ${body}`);
    if (method === "PUT") return json({ created: ["a"], changed: ["b"], unchanged: ["c"], deleted: [], kept: ["d"] });
    return json({ rules: ["a", "b", "c", "d"].map((rule_id, index) => ({ rule_id, version: index + 1 })) });
  });
  const readFile = (path: string): string => path;
  const files = ['{"rule_id":"a"}', '[{"rule_id":"b"},{"rule_id":"c"}]'];
  const [human, pipe] = [terminal(true), terminal(false)];
  await runRules("apply", files, { weir, terminal: human, readFile });
  await runRules("apply", files, { weir, terminal: pipe, readFile });
  assert.equal(asked[0], 'PUT /aggregation-rules {"rules":[{"rule_id":"a"},{"rule_id":"b"},{"rule_id":"c"}]}');
  assert.equal(human.written.join(""), "a: created\nb: changed, version 2\nc: unchanged\n");
  assert.equal(pipe.written[1], '{"rule_id":"b","effect":"changed","version":2}\n');
});

test("a table of rules; without any, what to do next", async () => {
  const rule = { rule_id: "r", metric: "sum", field: "payload.price", window_size: "1m", state: "filling" };
  const facts = { progress: 0.426, groups: 3, late: 0, skipped: null, version: 2, group_by: ["user_id"] };
  for (const [rules, expected] of [
    [[{ ...rule, ...facts }], /^rule +metric +window .*\nr +sum of payload\.price +1m +user_id +filling 42 % /],
    [[], /^no rules yet; weir rules apply FILE makes some\n$/],
  ] as const) {
    const human = { ...terminal(true), columns: () => 200 };
    const weir = weirOf(() => json({ rules }));
    await runRules("list", [], { weir, terminal: human, readFile: () => "" });
    assert.match(human.written.join(""), expected);
  }
});

test("stats asks for no more pages than it needs", async () => {
  const asked: string[] = [];
  const weir = weirOf(({ url }) => {
    asked.push(url.search);
    return json({ data: [row(1), row(2)], complete: true, next_cursor: "next" });
  });
  const pipe = terminal(false);
  await runStats(weir, { rule: "r", from: "0", to: null, step: "1h", limit: 3 }, pipe);
  assert.deepEqual(
    pipe.written.map((text) => (JSON.parse(text) as { value: number }).value),
    [1, 2, 1],
  );
  assert.deepEqual(asked, [
    "?rule_id=r&start_time=0&step=1h&limit=3",
    "?rule_id=r&start_time=0&step=1h&limit=3&cursor=next",
  ]);
  await assert.rejects(
    runStats(
      weirOf(() => refusal(404, "unknown_rule")),
      { rule: "x", from: null, to: null, step: null, limit: null },
      pipe,
    ),
    { code: "unknown_rule" },
  );
});

const state = (rows: readonly StatsRow[], status: LiveState["status"] = "live"): LiveState => ({
  rule: "r",
  status,
  rows,
});
const following = (...states: readonly LiveState[]) => ({
  async *live() {
    yield* states;
  },
});
const wish = { rule: "r", from: null, intervalMs: 250, signal: new AbortController().signal };

test("a screen has as many rows as it has lines for, and says what it is at", () => {
  const rows = Array.from({ length: 30 }, (_, index) => row(index));
  const lines = screen(state(rows), terminal(true, 10));
  assert.equal(lines.length, 9);
  assert.deepEqual([lines[0], lines.at(-1)], ["r live", "… and 24 older rows"]);
  assert.deepEqual(screen(state([], "stale"), terminal(true)), ["r connection lost, resuming", "no windows yet"]);
});

test("tail draws over what it drew", async () => {
  const human = terminal(true);
  await runTail(following(state([row(1), row(2)]), state([row(3)])), wish, human);
  assert.ok(human.written[0]?.startsWith("r live\u001B[K\n"));
  assert.ok(human.written[1]?.startsWith("\u001B[4A"), "four lines up");
  assert.ok(human.written[1]?.endsWith("\u001B[J"));
});

test("in a pipe tail tells each row that is new, changed or gone, and nothing twice", async () => {
  const pipe = terminal(false);
  const [de, fr] = [row(1), row(2, { "payload.country": "FR" })];
  const states = [state([]), state([de, fr]), state([de, fr], "stale"), state([de, { ...fr, value: 5 }]), state([de])];
  await runTail(following(...states), wish, pipe);
  const told = pipe.written.map((text) => JSON.parse(text) as StatsRow & { gone?: true });
  assert.deepEqual(
    told.map(({ value, gone }) => [value, gone ?? false]),
    [
      [2, false],
      [1, false],
      [5, false],
      [5, true],
    ],
  );
});
