import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Weir } from "../../client/src/weir.ts";
import type { LiveState, StatsRow } from "../../client/src/weir.ts";
import { clientWorld, json, refusal } from "../../test/support/client-world.ts";
import type { Answering } from "../../test/support/client-world.ts";
import { loadConfig } from "../config/load.ts";
import { runCommand } from "./commands.ts";
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
  const taken = (): Promise<void> => Promise.resolve();
  return { written, isTty, json: !isTty, hasColours: false, columns: () => 60, lines: () => lines, write, taken };
}

/** A path is what is in the file. */
const readFile = (path: string): Promise<string> => Promise.resolve(path);
const complain = (text: string): never => assert.fail(text);
const { signal } = new AbortController();

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

test("widths are in cells of the screen, of which a character may take two or none", () => {
  const rows = [
    ["東京", 1],
    ["e\u0301te", 2],
    ["😀", 3],
  ];
  assert.deepEqual(table(["city", "n"], rows), ["city  n", "東京  1", "e\u0301te   2", "😀    3"]);
  assert.deepEqual(table(["city", "n"], rows, 4), ["cit…", "東…", "e\u0301te…", "😀 …"]);
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

test("a file has a rule, a list or a document, and what it has not is said with its name", async () => {
  const read = async (text: string, path = "r.json") =>
    (await rulesIn(path, () => Promise.resolve(text))).map(({ rule_id }) => rule_id);
  assert.deepEqual(await read('{"rule_id":"a"}'), ["a"]);
  assert.deepEqual(await read('\uFEFF[{"rule_id":"a"},{"rule_id":"b"}]'), ["a", "b"]);
  assert.deepEqual(await read('{"rules":[{"rule_id":"a"}]}'), ["a"]);
  await assert.rejects(read('{\n"a" 1}'), /^Error: r\.json is not JSON: line 2, column 5 has "1}"/);
  await assert.rejects(
    read("", "-"),
    /^Error: the standard input is not JSON: line 1, column 1 has the end of the file/,
  );
  await assert.rejects(read("7"), /r\.json: it has no "rule_id"/);
  await assert.rejects(read('[{"rule_id":"a"},{}]'), /r\.json: its rule 2 has no "rule_id"/);
  const missing = (): Promise<never> => Promise.reject(new Error("no such file"));
  await assert.rejects(rulesIn("x.json", missing), /x\.json can't be read: no such file/);
});

test("of rules to delete, one that is not there costs no other", async () => {
  const weir = weirOf(({ url }) =>
    url.pathname.endsWith("/there") ? json({ deleted: true }) : refusal(404, "unknown_rule"),
  );
  const [pipe, said]: [ReturnType<typeof terminal>, string[]] = [terminal(false), []];
  const deps = { weir, terminal: pipe, readFile, complain: (text: string): void => void said.push(text) };
  await assert.rejects(runRules("delete", ["a", "there", "b"], deps), { code: "unknown_rule" });
  assert.equal(pipe.written.join(""), '{"rule_id":"there","effect":"deleted"}\n');
  assert.equal(said.length, 1, "and the other one is thrown");
});

test("apply sends all files as one, and says what became of each rule", async () => {
  const asked: string[] = [];
  const weir = weirOf(({ method, url, body }) => {
    asked.push(`${method} ${url.pathname} ${body}`);
    if (method === "PUT") return json({ created: ["a"], changed: ["b"], unchanged: ["c"], deleted: [], kept: ["d"] });
    return json({ rules: ["a", "b", "c", "d"].map((rule_id, index) => ({ rule_id, version: index + 1 })) });
  });
  const files = ['{"rule_id":"a"}', '[{"rule_id":"b"},{"rule_id":"c"}]'];
  const [human, pipe] = [terminal(true), terminal(false)];
  await runRules("apply", files, { weir, terminal: human, readFile, complain });
  await runRules("apply", files, { weir, terminal: pipe, readFile, complain });
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
    await runRules("list", [], { weir, terminal: human, readFile, complain });
    assert.match(human.written.join(""), expected);
  }
});

test("stats says of windows that may lack events why they may, whatever the reason is", async () => {
  const human = terminal(true);
  const weir = weirOf(() => json({ data: [row(1)], complete: false }));
  await runStats(weir, { rule: "r", from: null, to: null, step: null, limit: null, signal }, human);
  assert.match(
    human.written.join(""),
    /windows may lack events: .* filled or is paused, or this server has not heard of/,
  );
});

test("stats asks for no more pages than it needs", async () => {
  const asked: string[] = [];
  const weir = weirOf(({ url }) => {
    asked.push(url.search);
    return json({ data: [row(1), row(2)], complete: true, next_cursor: "next" });
  });
  const pipe = terminal(false);
  await runStats(weir, { rule: "r", from: "0", to: null, step: "1h", limit: 3, signal }, pipe);
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
      { rule: "x", from: null, to: null, step: null, limit: null, signal },
      pipe,
    ),
    { code: "unknown_rule" },
  );
});

test("stats asks for the next page when the one before was taken, and for none when nobody reads on", async () => {
  const ended = new AbortController();
  let pages = 0;
  const weir = weirOf(() => ((pages += 1), json({ data: [row(1)], complete: true, next_cursor: "next" })));
  const pipe = terminal(false);
  const pause = Promise.withResolvers<void>();
  const asking = runStats(
    weir,
    { rule: "r", from: null, to: null, step: null, limit: null, signal: ended.signal },
    { ...pipe, taken: () => pause.promise },
  );
  await setImmediate();
  assert.equal(pages, 1);
  ended.abort();
  pause.resolve();
  await asking;
  assert.equal(pages, 1);
});

const state = (rows: readonly StatsRow[], status: LiveState["status"] = "live"): LiveState => ({
  rule: "r",
  status,
  rows,
});
const following = (...states: readonly LiveState[]) => ({
  rules: weirOf(() => json({ rule_id: "r" })).rules,
  async *live() {
    yield* states;
  },
});
const wish = { rule: "r", from: null, intervalMs: 250, signal };

test("a screen has as many rows as it has lines for, and says what it is at", () => {
  const rows = Array.from({ length: 30 }, (_, index) => row(index));
  const lines = screen(state(rows), terminal(true, 10));
  assert.equal(lines.length, 9);
  assert.deepEqual([lines[0], lines.at(-1)], ["r live", "… and 24 older rows"]);
  assert.deepEqual(screen(state([], "stale"), terminal(true)), ["r connection lost, resuming", "no windows yet"]);
  const [title] = screen({ ...state([]), rule: "r".repeat(100), complete: false }, terminal(true));
  assert.equal(title, `${"r".repeat(36)}… live (may lack events)`, "else it would wrap, and not be drawn over");
  for (const columns of [10, 20, 40]) {
    const narrow = { ...terminal(true, 10), columns: () => columns };
    const lost = { ...state(rows, "stale"), rule: "r".repeat(100), complete: false };
    for (const line of screen(lost, narrow)) assert.ok(line.length <= columns, line);
  }
  const ofUnknownWidth = { ...terminal(true), columns: () => Infinity };
  const [wide] = screen({ ...state([]), rule: "r".repeat(100) }, ofUnknownWidth);
  assert.equal(wide?.length, 80);
});

test("a screen of hardly any lines has what says most, and no line more than there is room for", () => {
  const rows = [row(3), row(2), row(1)];
  const [title, head, newest, further] = screen(state(rows), terminal(true, 5));
  assert.match(`${title} ${head} ${further}`, /^r live window +payload\.country.*… and 2 older rows$/);
  assert.deepEqual(screen(state(rows), terminal(true, 4)), [title, head, newest]);
  assert.deepEqual(screen(state(rows), terminal(true, 3)), [title, newest]);
  assert.deepEqual(screen(state(rows), terminal(true, 2)), [title]);
  assert.deepEqual(screen(state([]), terminal(true, 2)), [title]);
});

test("tail says at once that nobody answers or that there is no such rule, and waits for a server that is busy", async () => {
  const pipe = terminal(false);
  const said: string[] = [];
  const tail = (answer: Answering) =>
    runTail({ ...following(state([row(1)])), rules: weirOf(answer).rules }, wish, pipe, (text) => void said.push(text));
  await assert.rejects(
    tail(() => refusal(404, "unknown_rule")),
    { code: "unknown_rule" },
  );
  await assert.rejects(
    tail(() => Promise.reject(new Error("refused"))),
    { code: "no_answer" },
  );
  assert.deepEqual([pipe.written, said], [[], []]);
  await tail(() => refusal(503, "store_unavailable"));
  assert.equal(pipe.written.length, 1);
  assert.match(said.join(""), /; trying again\n$/);
});

test("tail draws over what it drew", async () => {
  const human = terminal(true);
  await runTail(following(state([row(1), row(2)]), state([row(3)])), wish, human, complain);
  assert.ok(human.written[0]?.startsWith("\u001B[Kr live\n"));
  assert.ok(human.written[1]?.startsWith("\u001B[4A\u001B[K"), "four lines up");
  assert.ok(human.written[1]?.endsWith("\u001B[J"));
});

test("in a pipe tail tells each row that is new, changed or gone, and nothing twice", async () => {
  const pipe = terminal(false);
  const [de, fr] = [row(1), row(2, { "payload.country": "FR" })];
  const states = [state([]), state([de, fr]), state([de, fr], "stale"), state([de, { ...fr, value: 5 }]), state([de])];
  const said: string[] = [];
  await runTail(following(...states), wish, pipe, (text) => void said.push(text));
  assert.equal(said.join(""), "r: connection lost, or the rule was changed; waiting\nr: live again\n");
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

test("what is no address is said as a mistake of the command", async () => {
  const said: string[] = [];
  const asked = {
    command: "rules",
    rulesAction: "list",
    words: [],
    config: { host: "fe80::1%eth0", queryPort: 8001 },
  } as const;
  const read = loadConfig({ argv: ["rules"], env: {}, readFile: () => "" });
  assert.ok(read.ok);
  const around = { terminal: terminal(false), readFile, signal };
  const code = await runCommand(
    { ...asked, client: read.client },
    { ...around, complain: (text) => void said.push(text) },
  );
  assert.equal(code, 2);
  assert.match(said.join(""), /^"http:\/\/\[fe80::1%eth0\]:8001" is not the address of a server/);
});
