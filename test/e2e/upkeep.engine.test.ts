import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/lib/clock.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { embeddedFacts } from "../../src/store/clickhouse/facts.ts";
import { startEngine } from "../../src/store/clickhouse/engine/engine.ts";
import { rebuildRules, verifyRules } from "../../src/upkeep/upkeep.ts";
import { ask, eraseEvents, erasuresDone, postCounted, putRule } from "../support/api.ts";
import { weir as run } from "../support/command-line.ts";
import { startServer } from "../support/server-process.ts";

/** What it says on both of its streams. */
async function weir(...args: readonly string[]): Promise<{ code: number; out: string }> {
  const { code, out, err } = await run(...args);
  return { code, out: out + err };
}

/** Does something to the tables of a stopped server. */
async function damage(dataDir: string, sql: string): Promise<void> {
  const engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const url = (): string => engine.url();
  let made = 0;
  const options = {
    database: "weir",
    requestTimeoutMs: 30_000,
    newId: () => `damage-${++made}`,
    facts: embeddedFacts(engine.spoolFolder),
  };
  const connection = new Connection({ url, username, password, ...options });
  await connection.write({ sql, parameters: {} });
  await connection.close();
  await engine.stop();
}

test("weir verify names what is damaged on a stopped folder, weir rebuild mends it, and both speak to a running server", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-upkeep-"));
  const on = ["--data-dir", dataDir];
  try {
    const server = await startServer({ dataDir });
    for (const rule_id of ["a", "b"]) await putRule(server.queryUrl, { rule_id, window_size: "1h", metric: "count" });
    const timestamp = "2026-01-13T10:20:00Z";
    await postCounted(
      server.ingestUrl,
      ["1", "2"].map((event_id) => ({ event_id, user_id: "u", event_type: "click", timestamp })),
    );
    const equal = ["a", "b"].map((id) => `${id} version 1: as the stored events give it\n`).join("");
    assert.deepEqual(await weir("verify", "--url", server.queryUrl), { code: 0, out: equal });
    const unknown = await weir("rebuild", "--rule", "c", "--url", server.queryUrl);
    assert.deepEqual(unknown, { code: 1, out: 'there is no rule "c"\n' });
    assert.equal((await weir("verify", ...on)).code, 2, "the folder is in use");
    await server.terminate();

    await damage(dataDir, "DELETE FROM rollups WHERE series = 18 SETTINGS lightweight_deletes_sync = 2");
    const found = await weir("verify", ...on);
    const row = "  2026-01-13T10:00:00Z\t[]\tstored 0\texpected 2\n";
    const damaged = `a version 1: as the stored events give it\nb version 1: 1 differ by their events\n${row}`;
    assert.deepEqual(found, { code: 1, out: damaged });
    assert.match((await weir("rebuild", "--rule", "b", ...on)).out, /made anew: b\n$/);
    assert.deepEqual(await weir("verify", ...on), { code: 0, out: equal });

    await truncate(join(dataDir, "log", "log.witness"), 1);
    const without = await weir("verify", ...on);
    assert.match(without.out, /log\.witness is damaged/);
    assert.equal(without.code, 2, "nothing was compared, and so nothing differs");
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** Of the store's files, the data of the part that has the events of a month. */
async function partOf(dataDir: string, month: string): Promise<string> {
  const files = await readdir(join(dataDir, "engine", "store"), { recursive: true });
  const found = files.filter((file) => file.includes(`/${month}-`) && file.endsWith("/data.bin"));
  assert.equal(found.length, 1, files.join("\n"));
  return join(dataDir, "engine", "store", found[0]!);
}

test("a flipped bit in the stored events is named, costs no rule its windows, and ends no erasure", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-flipped-"));
  let server = await startServer({ dataDir });
  const said: string[] = [];
  const asked = async <T>(path: string): Promise<T> => (await ask(`${server.queryUrl}${path}`)) as T;
  const windows = (rule: string): Promise<{ data: { value: number }[] }> =>
    asked(`/stats?rule_id=${rule}&start_time=2026-01-01T00:00:00Z&end_time=2026-12-01T00:00:00Z`);
  const values = async (): Promise<number[]> => [
    ...(await windows("sum")).data.map(({ value }) => value),
    ...(await windows("count")).data.map(({ value }) => value),
  ];
  const upkeep = (work: typeof verifyRules | typeof rebuildRules, rule: string | null): Promise<number> =>
    work({ queryUrl: server.queryUrl, rule, clock: systemClock, print: (line) => void said.push(line) });
  const event = (event_id: string, user_id: string, timestamp: string) => ({
    ...{ event_id, user_id, event_type: "click", timestamp },
    // Most of what is stored, and so in the middle of it.
    payload: { n: 1, noise: randomBytes(150).toString("base64") },
  });
  try {
    await putRule(server.queryUrl, { rule_id: "sum", window_size: "1d", metric: "sum", field: "payload.n" });
    await putRule(server.queryUrl, { rule_id: "count", window_size: "1d", metric: "count" });
    const january = Array.from({ length: 40 }, (_, index) => event(`e${index}`, "ann", "2026-01-13T10:20:00Z"));
    await postCounted(server.ingestUrl, [...january, event("f", "bob", "2026-02-13T10:20:00Z")]);
    await server.terminate();
    const file = await partOf(dataDir, "202601");
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);

    server = await startServer({ dataDir });
    const part = basename(dirname(file));
    // A deletion gives a part that it leaves as it is one more number.
    const named = `part ${part}(_\\d+)? of the table weir.raw_events is damaged in the store and can't be read`;
    assert.equal(await upkeep(verifyRules, null), 2);
    assert.match(
      said.find((line) => line.startsWith("sum"))!,
      new RegExp(`^sum: not compared, ${named}`),
    );
    assert.ok(said.includes("count version 1: as the stored events give it"), said.join("\n"));
    assert.equal(await upkeep(rebuildRules, "sum"), 1);
    assert.match(said.at(-2)!, new RegExp(`^sum: not made anew, it stands still, .*${named}`));
    for (const user of ["bob", "ann"]) await eraseEvents(server.queryUrl, `user_id=${user}`);
    const erasures = () =>
      asked<{ waiting_for?: string; rules_left: number; erasures: { state: string }[] }>("/erasures");
    // Of the two rules, that which does not read the payload has its windows again.
    let now = await erasures();
    for (; now.waiting_for === undefined || (await windows("count")).data.length > 1; now = await erasures())
      await pause(200);
    assert.match(now.waiting_for, new RegExp(named));
    assert.deepEqual(
      now.erasures.map(({ state }) => state),
      ["waiting", "rebuilding"],
    );
    await postCounted(server.ingestUrl, [event("g", "cid", "2026-03-13T10:20:00Z")]);
    assert.deepEqual(await values(), [1, 1, 40, 1, 40], "old windows answer, and what is new is in them");
    type Parts = { status?: string; ok?: boolean; parts: { store: { ok: boolean; detail: string } } };
    const [status, ready] = [await asked<Parts>("/status"), await asked<Parts>("/ready")];
    assert.deepEqual([status.status, status.parts.store.ok], ["degraded", false]);
    assert.deepEqual([ready.ok, ready.parts.store.ok], [true, true], "it counts");
    for (const { store } of [status.parts, ready.parts]) assert.match(store.detail, new RegExp(`^${named}$`));
    assert.match(server.output(), new RegExp(`"damaged":{"part":"${part}".*"path":"[^"]*${part}"`));
    await server.terminate();

    // As docs/operating.md has it.
    const table = dirname(dirname(file));
    for (const folder of await readdir(table))
      if (folder.startsWith(part)) await rename(join(table, folder), join(table, "detached", folder));
    // As after a full disk: an insert that was spoilt, whose events were inserted once more.
    const spoilt = join(table, "detached", "broken-on-start_202603-0_900_900_0");
    await cp(dirname(await partOf(dataDir, "202603")), spoilt, { recursive: true });
    server = await startServer({ dataDir });
    assert.equal(await upkeep(rebuildRules, null), 0);
    await erasuresDone(server.queryUrl);
    assert.deepEqual(await values(), [1, 1], "the windows are what is left");
    assert.match(
      server.output(),
      /_900_900_0 .* what was in it is in other parts, or still in the log: it may be deleted/,
    );
    await rm(spoilt, { recursive: true });
    await server.terminate();

    // A part that the engine can't even open it leaves out without a word.
    await truncate(join(dirname(await partOf(dataDir, "202603")), "columns.txt"), 10);
    server = await startServer({ dataDir });
    assert.match((await asked<Parts>("/status")).parts.store.detail, /^part broken-on-start_202603-0_\S+ of the table/);
    assert.equal(await upkeep(rebuildRules, "count"), 1);
    assert.match(said.at(-2)!, /^count: not made anew, it stands still, .* the events in it are missing/);
    await eraseEvents(server.queryUrl, "user_id=cid");
    while ((await erasures()).waiting_for === undefined) await pause(200);
    assert.equal((await erasures()).erasures[0]!.state, "waiting");
    assert.deepEqual(await values(), [1, 1]);
    // What is inserted next has the number that the part had.
    await postCounted(server.ingestUrl, [event("h", "dan", "2026-03-13T10:30:00Z")]);
    await server.terminate();
    server = await startServer({ dataDir });
    assert.match((await asked<Parts>("/status")).parts.store.detail, /^part broken-on-start_202603-0_\S+ of the table/);
    await pause(500);
    assert.equal((await erasures()).erasures[0]!.state, "waiting");
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
});
