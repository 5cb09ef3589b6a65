import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../lib/clock.ts";
import { runSend } from "./send.ts";
import type { SendWish } from "./send.ts";
import { Sending } from "./sending.ts";
import type { Row } from "./row.ts";

const nobody = "http://127.0.0.1:1";
const wishOf = (files: readonly string[], more: Partial<SendWish> = {}): SendWish => ({
  ...{
    address: nobody,
    files,
    ingestUrl: null,
    json: "yes",
    wait: "durable",
    retryForMs: 0,
    format: "auto",
    map: null,
  },
  ...{ delimiter: null, source: null, fromRow: 1, skipBad: "no", rejects: null, dryRun: "no", ...more },
});

/** Runs it; its input is silent until something is written. */
function run(wish: SendWish) {
  const [stdin, ended] = [new PassThrough(), new AbortController()];
  const [out, err]: [string[], string[]] = [[], []];
  const write = (text: string): void => void out.push(text);
  const deps = {
    terminal: {
      isTty: false,
      hasColours: false,
      json: true,
      columns: () => 80,
      lines: () => 24,
      write,
      taken: async () => {},
    },
    screen: { isTty: false, columns: () => 80, write: () => {} },
    ...{ complain: (text: string): void => void err.push(text), clock: systemClock, signal: ended.signal, stdin },
  };
  const code = runSend(wish, deps);
  return { code, stdin, stop: () => ended.abort(), said: () => err.join(""), out };
}

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-send-test-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const good = (at: number): string => `{"event_id":"${at}","user_id":"u","event_type":"t","timestamp":1768298400000}\n`;
const bad = (at: number): string => `{"event_id":"${at}","event_type":"t","timestamp":1}\n`;

test(
  "one that waits for its standard input is stopped at once, at its beginning and later",
  { timeout: 60_000 },
  async () => {
    for (const dryRun of ["no", "yes"]) {
      const silent = run(wishOf(["-"], { dryRun }));
      silent.stop();
      assert.equal(await silent.code, 130);
      const begun = run(wishOf(["-"], { dryRun }));
      begun.stdin.write('{"');
      setImmediate(begun.stop);
      assert.equal(await begun.code, 130);
      assert.equal(begun.said() + silent.said(), "", "nothing is the matter");
    }
  },
);

test("one that waits for a place, because the server is away, is stopped at once", { timeout: 60_000 }, async () => {
  const ended = new AbortController();
  const full = (_event: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(new Error("no place")));
      setImmediate(() => ended.abort());
    });
  const counts = { accepted: 0, refused: 0, failed: 0, waiting: 0 };
  const sending = new Sending({
    sender: { send: full, close: () => Promise.resolve(counts), counts },
    refusals: { add: () => {}, addOfServer: () => {} },
    ...{ fromRow: 1, skips: false, signal: ended.signal, clock: systemClock },
  });
  const row: Row = { file: "f", line: 1, number: 1, values: {} };
  const event = { event_id: "1", user_id: "u", event_type: "t", timestamp: 0 };
  await sending.rows(Readable.from([[row]]) as AsyncIterable<readonly Row[]>, () => ({ event }));
  await sending.close();
  const { wasStopped, failure, nextRow } = sending.ended();
  assert.deepEqual([wasStopped, failure, nextRow], [true, undefined, 1]);
});

test(
  "a dry run shows the first five rows, also of a large input, and does not wait for its end",
  { timeout: 60_000 },
  async (context) => {
    const shown = (out: readonly string[]): string[] =>
      out.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
    const open = run(wishOf(["-"], { dryRun: "yes", fromRow: 3 }));
    for (let at = 1; at <= 4000; at++) open.stdin.write(good(at));
    assert.equal(await open.code, 0);
    assert.deepEqual(shown(open.out), ["3", "4", "5", "6", "7"]);

    const folder = await folderOf(context);
    const files = [join(folder, "few.ndjson"), join(folder, "many.ndjson")];
    await writeFile(files[0]!, [1, 2].map(good).join(""));
    await writeFile(files[1]!, Array.from({ length: 10_000 }, (_, at) => good(at + 3)).join(""));
    const both = run(wishOf(files, { dryRun: "yes" }));
    assert.equal(await both.code, 0);
    assert.deepEqual(shown(both.out), ["1", "2", "3", "4", "5"]);
  },
);

test("refused rows are kept where that can be, and else none counts as done with", async (context) => {
  const folder = await folderOf(context);
  const [file, rejects] = [join(folder, "bad.ndjson"), join(folder, "rejects.ndjson")];
  await writeFile(file, [1, 2, 3].map(bad).join(""));
  const kept = async () =>
    (await readFile(rejects, "utf8"))
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as Row & { row: number }).row);
  assert.equal(await run(wishOf([file], { rejects })).code, 1);
  assert.deepEqual(await kept(), [1, 2, 3]);
  assert.equal(await run(wishOf([file], { rejects, fromRow: 3 })).code, 1);
  assert.deepEqual(await kept(), [1, 2, 3, 3], "those of before are still there");
  assert.equal(await run(wishOf([file], { rejects, dryRun: "yes" })).code, 1);
  assert.deepEqual(await kept(), [1, 2, 3, 3], "a dry run writes nothing");
  assert.equal(await run(wishOf([file], { rejects })).code, 1);
  assert.deepEqual(await kept(), [1, 2, 3], "begun anew");

  const before = await readFile(file, "utf8");
  const over = run(wishOf([file], { rejects: `${folder}/../${folder.split("/").at(-1)}/bad.ndjson` }));
  assert.equal(await over.code, 2);
  assert.match(over.said(), /--rejects .* would write over .*bad\.ndjson, which is to be sent/);
  assert.equal(await readFile(file, "utf8"), before);

  const nowhere = run(wishOf([file], { rejects: join(folder, "none", "x") }));
  assert.equal(await nowhere.code, 2);
  assert.match(nowhere.said(), /x can't be written: ENOENT/);
  assert.deepEqual(nowhere.out, [], "before a row was read");
});

test("a refused row that can't be noted is where it goes on", async () => {
  const counts = { accepted: 0, refused: 0, failed: 0, waiting: 0 };
  const full = (): never => {
    throw new Error("the disk is full");
  };
  const sending = new Sending({
    sender: { send: () => assert.fail(), close: () => Promise.resolve(counts), counts },
    refusals: { add: full, addOfServer: full },
    ...{ fromRow: 1, skips: true, signal: new AbortController().signal, clock: systemClock },
  });
  const rows: Row[] = [1, 2].map((number) => ({ file: "f", line: number, number, values: undefined, problem: "no" }));
  await sending.rows(Readable.from([rows]) as AsyncIterable<readonly Row[]>, () => ({ problems: [] }));
  await sending.close();
  assert.deepEqual([sending.ended().nextRow, sending.ended().isComplete], [1, false]);
});

test("what was kept is kept whole, also where a file can't grow any more", async (context) => {
  const rejects = join(await folderOf(context), "rejects.ndjson");
  const noted = `const { Refusals } = await import("${import.meta.resolve("./refusals.ts")}");
    const refusals = new Refusals({ skipBad: "no", rejects: "${rejects}", fromRow: 1, dryRun: "no", files: [] }, {});
    refusals.open();
    let number = 0;
    try {
      for (;;) {
        refusals.add({ file: "f", line: null, number: number + 1, values: { v: "x".repeat(200) } }, []);
        number += 1;
      }
    } catch (error) {
      console.log(JSON.stringify([number, error.message]));
    }`;
  // In blocks of 512 or 1,024 bytes.
  const limited = 'ulimit -f 2; exec "$@"';
  const run = promisify(execFile);
  const { stdout } = await run("sh", ["-c", limited, "sh", process.execPath, "--input-type=module", "-e", noted]);
  const [count, message] = JSON.parse(stdout) as [number, string];
  assert.match(message, /rejects\.ndjson can't be written: EFBIG/);
  const lines = (await readFile(rejects, "utf8")).split("\n");
  assert.deepEqual(
    lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { row: number }).row),
    Array.from({ length: count }, (_, at) => at + 1),
  );
});

test("what is wrong with a file is said with what to do", async (context) => {
  const folder = await folderOf(context);
  const file = async (name: string, content: string | Buffer): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const map = "user_id=who";
  for (const [path, message] of [
    [
      await file("semi.csv", "id;who\n1;a\n"),
      /has no column "who"; it has id;who; if these are several, take --delimiter ';'/,
    ],
    [await file("empty.parquet", ""), /empty\.parquet can't be read as Parquet: it does not end as such a file does/],
    [await file("cut.parquet", "PAR1…"), /cut\.parquet can't be read as Parquet: .*; was it cut off\?/],
    [await file("cut.json", '[{"a":1},\n'), /cut\.json:2: ends within the list/],
  ] as const) {
    const sent = run(wishOf([path], { map, skipBad: "yes" }));
    assert.equal(await sent.code, 2);
    assert.match(sent.said(), message);
  }
  const packed = run(wishOf(["-"]));
  packed.stdin.end(Buffer.from([0x1f, 0x8b, 8, 0]));
  assert.equal(await packed.code, 2);
  assert.match(packed.said(), /the standard input is packed; unpack it on its way here: zcat FILE \| weir send -/);
});

test("a name for several files is refused: ids would depend on which are sent together", async (context) => {
  const folder = await folderOf(context);
  const files = ["a.ndjson", "b.ndjson"].map((name) => join(folder, name));
  for (const path of files) await writeFile(path, '{"user_id":"u","event_type":"t","timestamp":1768298400000}\n');
  const both = run(wishOf(files, { source: "shop", dryRun: "yes" }));
  assert.equal(await both.code, 2);
  assert.equal(
    both.said(),
    "--source shop is the name of one file, and these are 2: send them one by one, each with a --source of its own, which is shop/a.ndjson (and so on) for what an earlier version has sent by this command\n",
  );
  const idOf = async (wish: SendWish): Promise<string> => {
    const { code, out } = run(wish);
    assert.equal(await code, 0);
    return (JSON.parse(out[0]!) as { event_id: string }).event_id;
  };
  assert.equal(await idOf(wishOf(files, { dryRun: "yes" })), await idOf(wishOf([files[0]!], { dryRun: "yes" })));
});

test("a refusal and a failure are told at once, though nothing more comes", { timeout: 60_000 }, async (context) => {
  const local = run(wishOf(["-"]));
  local.stdin.write(bad(1));
  assert.equal(await local.code, 1);
  assert.match(local.said(), /-:1: user_id: .*Stopped at the first row that was refused/s);

  const refusing = run(wishOf(["-"], { address: await refusingServer(context) }));
  refusing.stdin.write(good(1));
  assert.equal(await refusing.code, 1);
  assert.match(refusing.said(), /-:1: user_id: is odd/);

  const away = run(wishOf(["-"]));
  away.stdin.write(good(1));
  assert.equal(await away.code, 2);
  assert.match(away.said(), /no server answers at .*Stopped before row 1/s);

  const path = join(await folderOf(context), "first.ndjson");
  await writeFile(path, bad(1));
  const second = run(wishOf([path, "-"]));
  assert.equal(await second.code, 1, "also while the next file is waited for");
});

/** A server that refuses every event. */
async function refusingServer(context: TestContext): Promise<string> {
  const server = createServer((request, answer) => {
    const refused = [{ index: 0, problems: [{ path: "user_id", message: "is odd" }] }];
    const body = { status: "accepted", count: 0, token: "t", refused, refused_count: 1 };
    answer.writeHead(200, { "content-type": "application/json" });
    request.resume().on("end", () => answer.end(JSON.stringify(body)));
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
