import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { postCounted, putRule } from "../support/api.ts";
import { serverForAll } from "../support/command-line.ts";
import { unlessMissing } from "../support/needs.ts";
import { onTerminal, screenOf, whyNoTerminal } from "../support/pseudo-terminal.ts";
import { program } from "../support/server-process.ts";
import { openTardyProxy } from "../support/tardy-proxy.ts";

const weir = [process.execPath, program];
const needs = unlessMissing(whyNoTerminal());
const { folder, server } = await serverForAll("terminal");

const event = (event_id: string) => ({
  event_id,
  user_id: "u",
  event_type: "order",
  timestamp: "2026-01-13T10:00:00Z",
});

/** A file of 60,000 events, and the server behind a line on which each request takes so long that there is something to be seen. */
async function longSending() {
  const path = join(folder, "orders.ndjson");
  await writeFile(path, Array.from({ length: 60_000 }, (_, id) => JSON.stringify(event(`${id}`))).join("\n"));
  const line = await openTardyProxy(server.ingestUrl, () => pause(400));
  return { path, line, words: [...weir, "send", path, "--ingest-url", line.url] };
}

const columns = 70;
const lines = 12;

test("send draws its bar, rate and estimated end over each other in one line of a terminal", needs, async (t) => {
  const { line, words } = await longSending();
  const run = onTerminal(words, { columns, lines });
  t.after(run.close);
  assert.equal(await run.ended, 0, run.seen());
  await line.close();
  const seen = run.seen();
  const whole = /\rorders\.ndjson {2}\[(#*)-*\] {2}(\d+) % {2}([\d,]+) events {2}[\d,]+\/s {2}(?:\d+ \w+ )+left\b/g;
  const drawn = [...seen.matchAll(whole)].map(([, bar = "", percent, events = ""]) => {
    return { cells: bar.length, percent: Number(percent), ofEvents: Number(events.replaceAll(",", "")) / 600 };
  });
  assert.ok(drawn.length > 1 && drawn.at(-1)!.cells > drawn[0]!.cells, JSON.stringify(seen));
  // Not of what has been read, which may be 20,000 events ahead.
  for (const { percent, ofEvents } of drawn)
    assert.ok(Math.abs(percent - ofEvents) < 15, `${percent} % for ${ofEvents}`);
  const redraws = seen.split("\r").length - 1;
  const during = (count: number): string => seen.split("\r").slice(0, count).join("\r");
  for (let count = 1; count < redraws; count++) assert.ok(screenOf(during(count), columns).length <= 1, "drawn over");
  const [said, ...more] = screenOf(seen, columns);
  assert.match(said ?? "", /^60,000 rows: 60,000 accepted, 0 refused, in \S+ s \([\d,]+\/s\)$/);
  assert.deepEqual(more, [], "nothing of the bar is left");
});

test("in a pipe there is no bar, and nothing else that is for terminals", async () => {
  const { line, words } = await longSending();
  const [node, ...args] = words;
  const { stdout, stderr } = await promisify(execFile)(node!, args, { timeout: 300_000 });
  await line.close();
  assert.match(stdout, /^\{"rows":60000,[^\n]*\}\n$/);
  // A line every ten seconds, where it takes so long.
  assert.match(stderr, /^([^\r[\]]+\n)*$/);
});

test("tail draws its table over itself on a terminal, cut to its width and height, until Ctrl-C", needs, async (t) => {
  const rule = { rule_id: "by_user", window_size: "1m", metric: "count", group_by: ["user_id"] };
  await putRule(server.queryUrl, { ...rule, filter: 'event_type == "tail"' });
  const names = Array.from({ length: 20 }, (_, at) => `user-${String(at).padStart(2, "0")}`);
  const sent = (round: number) =>
    postCounted(
      server.ingestUrl,
      names.map((name) => ({ ...event(`tail-${round}-${name}`), event_type: "tail", user_id: name })),
    );
  await sent(0);
  const words = [...weir, "tail", "by_user", "--from", "2026-01-13T00:00:00Z", "--interval", "50ms"];
  const narrow = 40;
  const run = onTerminal([...words, "--url", server.queryUrl], { columns: narrow, lines });
  t.after(run.close);
  const shows = async (text: RegExp): Promise<string[]> => {
    for (const end = performance.now() + 120_000; performance.now() < end; await pause(20)) {
      const screen = screenOf(run.seen(), narrow);
      if (text.test(screen.join("\n"))) return screen;
    }
    return assert.fail(`no ${text} in\n${screenOf(run.seen(), narrow).join("\n")}`);
  };
  const first = await shows(/user-07 +1\n… and \d+ older rows$/);
  await sent(1);
  const second = await shows(/user-07 +2\n… and \d+ older rows$/);
  for (const screen of [first, second]) {
    // More if one had wrapped.
    assert.equal(screen.length, lines - 1, screen.join("\n"));
    assert.match(screen[0] ?? "", /^by_user live/);
  }
  run.type("\u0003");
  assert.equal(await run.ended, 0);
});
