/**
 * Uses all of the client as its package has it, in whatever runs this: sends through a line that fails, makes a rule, asks for
 * windows, follows them over lines that are cut. Throws where something is not as it has to be, and ends by itself.
 * `test/support/used-client.ts` runs it beside the installed package, and gives it the addresses.
 */
import assert from "node:assert/strict";
import { argv } from "node:process";
import type * as client from "./src/weir.ts";

// By its name, as a program has it that has installed it.
const installed: string = "weir-client";
const { Weir, WeirError } = (await import(installed)) as typeof client;
const [ingestUrl = "", faultyUrl = "", queryUrl = "", cutUrl = ""] = argv.slice(2);
const weir = new Weir({ ingestUrl, queryUrl, livePace: { firstMs: 50, mostMs: 500 } });
const [rule, from] = ["used", "2026-01-13T00:00:00Z"] as const;
let total = 0;

const event = (): client.NewEvent => {
  total += 1;
  const timestamp = new Date("2026-01-13T10:00:00Z");
  return { user_id: `ü${total % 7}`, event_type: "used", timestamp, payload: { text: "€".repeat(50), price: 1 } };
};
const is = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

async function rules(): Promise<void> {
  const filter = `event_type == "used"`;
  const spec = { rule_id: rule, window_size: "1h", metric: "sum", field: "payload.price", filter } as const;
  const { version } = await weir.rules.put({ ...spec, group_by: ["user_id"] }, { ifNew: true });
  await assert.rejects(weir.rules.patch(rule, { top_n: 1 }, { ifMatch: version + 1 }), is("version_conflict"));
  const listed = await weir.rules.list();
  assert.ok(listed.some(({ rule_id }) => rule_id === rule));
}

/** One request of a few goes wrong on its way, in all ways in which one can. */
async function ingest(): Promise<void> {
  const faulty = new Weir({ ingestUrl: faultyUrl, timeoutMs: 1000 });
  const sender = faulty.sender({ batchEventsMax: 20, retryFirstMs: 10, retryMostMs: 100 });
  const outcomes: Promise<client.Outcome>[] = [];
  for (let count = 0; count < 300; count++) outcomes.push((await sender.send(event())).outcome);
  const { accepted } = await sender.close();
  assert.equal(accepted, 300);
  for (const outcome of outcomes) assert.deepEqual(await outcome, { status: "accepted" });
  // One answer for all: what came before it is counted as well.
  const { problems } = await weir.ingest([event(), { user_id: "u", event_type: "" }], { wait: "counted" });
  assert.deepEqual([problems.length, problems[0]?.status], [1, "refused"]);
}

async function stats(): Promise<void> {
  let sum = 0;
  for await (const row of weir.stats.rows({ rule, from, limit: 3 })) sum += Number(row.value);
  assert.equal(sum, total);
  const stored = await weir.events.page({ event_type: "used", limit: 5 });
  assert.equal(stored.data[0]?.payload["text"], "€".repeat(50));
}

/** What comes in is seen, also while the lines are cut; a loop ends when it is told to, and says why it can't go on. */
async function live(options: client.LiveOptions): Promise<void> {
  let sent = 0;
  const send = (): Promise<unknown> => ((sent += 1), weir.ingest([event()], { wait: "counted" }));
  for await (const { status, rows } of weir.live(rule, { intervalMs: 50, from, ...options })) {
    const isWhole = status === "live" && rows.reduce((sum, { value }) => sum + Number(value), 0) === total;
    if (status === "stale" || (isWhole && sent === 0)) await send();
    else if (isWhole && sent > 2) break;
    else if (isWhole) await fetch(cutUrl);
  }
  const off = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of weir.live(rule, { signal: off.signal, ...options })) off.abort(new Error("enough"));
  }, /enough/);
  await assert.rejects(async () => {
    for await (const { status } of weir.live("unknown", options)) assert.notEqual(status, "live");
  }, is("unknown_rule"));
}

await rules();
await ingest();
await stats();
await live({});
await live({ over: "events" });
await assert.rejects(new Weir({ queryUrl: "http://127.0.0.1:9" }).rules.list(), is("no_answer"));
weir.close();
console.log(`as it has to be: ${total} events`);
