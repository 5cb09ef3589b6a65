import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import {
  type Block,
  allBlocks,
  blocksOf,
  commandsOf,
  problemsOf,
  root,
  runBy,
  unchecked,
  whyUnchecked,
} from "./blocks.ts";

const blocks = allBlocks();

test("every block of every page is run or checked, or has a reason why not", () => {
  assert.ok(blocks.length > 100);
  const found = blocks.flatMap((block) =>
    problemsOf(block).map((problem) => `${block.page}:${block.line}: ${problem}\n${block.text}`),
  );
  assert.deepEqual(found, []);
});

test("each reason is of a block that there is, and names files that there are", () => {
  for (const [page, begins, why] of unchecked) {
    assert.ok(
      blocks.some((block) => block.page === page && whyUnchecked(block) === why),
      `${page} has no block that begins with ${begins}`,
    );
    for (const [path] of why.matchAll(/\b(?:test|deploy)\/\S+\.ts\b/g)) assert.ok(existsSync(root + path), path);
  }
  for (const path of Object.values(runBy)) assert.ok(existsSync(root + path), path);
});

const page = [
  "text",
  "",
  "    one \\",
  "      two    # remark",
  "    three",
  "",
  "- a list",
  "    of its own",
  "```ts",
  "",
  "x",
  "```",
  "",
];

test("blocks are found with their lines, fenced or indented; their commands go on and have remarks", () => {
  const found = blocksOf("p.md", page.join("\n"));
  assert.deepEqual(
    found.map(({ line, fence, text }) => [line, fence, text]),
    [
      [3, null, "    one \\\n      two    # remark\n    three\n"],
      [9, "ts", "\nx\n"],
    ],
  );
  assert.deepEqual(commandsOf(found[0]!.text), ["one two", "three"]);
});

const block = (text: string, fence: string | null = null): Block => ({ page: "p.md", line: 1, fence, text });

/** Each must be found, and be the only thing that is. */
for (const [wrong, message] of [
  [block("    wier serve"), /wier is no program/],
  [block("    weir serve --kafka-broker a:1"), /did you mean --kafka-brokers/],
  [block("    weir serve --clickhouse-url store"), /clickhouse-url/],
  [block("    weir send a.csv --map 'event_typ=const:order'"), /event_typ/],
  [block("    npm ci && npm run bulid"), /no script bulid/],
  [block("    WEIR_KAFKA_BROKER=a:1 weir serve"), /WEIR_KAFKA_BROKER is no option/],
  [block("    docker compose -f deploy/compse.yaml up"), /there is no deploy\/compse\.yaml/],
  [block("    x = y + 1"), /x is no program/],
  [
    block('{"event_id":"a","user":7,"event_type":"b","user_id":"c","timestamp":"2026-01-13T10:00:00Z"}', "json"),
    /user /,
  ],
  [block("→ {}", "text"), /nothing checks this block/],
  [block("SELECT 1", "SQL"), /nothing checks this block/],
] as const)
  test(`a block that is wrong is found: ${wrong.text.trim()}`, () => {
    const [found = "", ...more] = problemsOf(wrong);
    assert.match(found, message);
    assert.deepEqual(more, []);
  });
