import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { curlCommand } from "./curl.ts";
import { eventsText, shopEvents } from "./generate.ts";

test("the command gives curl what was typed, whatever quotes are in it", () => {
  const body = `[{"event_id":"it's \\"one\\" $HOME"}]`;
  const command = curlCommand("http://localhost:8000", body, true).replace(/^curl/, "printf '%s\\n'");
  const said = execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" }).split("\n");
  assert.deepEqual(said, [
    "http://localhost:8000/ingest?wait=counted",
    "-H",
    "content-type: application/json",
    "-d",
    "",
    body,
    "",
  ]);
});

test("generated events are of the last while, each with an id of its own, and the text is their JSON", () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const now = Date.parse("2026-01-13T10:00:00Z");
  const events = shopEvents({ count: 200, now, spreadMs: 60_000, random }) as { event_id: string; timestamp: string }[];
  assert.equal(new Set(events.map(({ event_id }) => event_id)).size, 200);
  const times = events.map(({ timestamp }) => Date.parse(timestamp));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times.every((at) => at > now - 60_000 && at <= now));
  assert.deepEqual(JSON.parse(eventsText(events)), events);
});

test("a command that nobody would read has the events in a file", () => {
  const command = curlCommand("http://localhost:8000", `[${"1,".repeat(20_000)}1]`, false);
  assert.match(command, /--data-binary @events\.json$/);
  assert.ok(command.length < 200);
});
