import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pack, unpack } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { openEmbeddedLog } from "./embedded.ts";
import { faultOf } from "./fault.ts";
import type { AppendJob, StoredRecord } from "./messages.ts";
import { openReaderFiles } from "./reader-files.ts";
import { LogReader } from "./reader.ts";
import { openWriterFiles } from "./writer-files.ts";
import { LogWriter } from "./writer.ts";

/** The embedded log broken on purpose. `WEIR_SEED` repeats a run, `WEIR_MUTANTS` and `WEIR_KILLS` make it longer. */
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 1_000_000);
const mutants = Number(process.env["WEIR_MUTANTS"] ?? 150);
const kills = Number(process.env["WEIR_KILLS"] ?? 10);

const root = mkdtempSync(join(tmpdir(), "weir-log-fault-"));
after(() => rmSync(root, { recursive: true, force: true }));

const script = fileURLToPath(new URL("kill.fixture.ts", import.meta.url));
const all = {
  from: 0,
  end: Number.MAX_SAFE_INTEGER,
  bytesMax: Number.MAX_SAFE_INTEGER,
  eventsMax: Number.MAX_SAFE_INTEGER,
};
const fileBytesMax = 1 << 30;

test(`kill -9 at ${kills} moments loses nothing acknowledged and repeats nothing (WEIR_SEED=${seed})`, async () => {
  const random = randomOf(seed);
  const dir = join(root, "killed");
  const ledger: Ledger = { acknowledged: [], committed: 0 };
  for (let round = 0; round < kills; round++) {
    note(ledger, await runAndKill(dir, round, 300 * random()));
    checkKept(await readAll(dir), ledger);
  }
  assert.ok(ledger.acknowledged.length > kills, "too little was appended to prove anything");
});

/** What the killed processes have been told, and how far they have allowed deletion. */
interface Ledger {
  readonly acknowledged: Acknowledged[];
  committed: number;
}

interface Acknowledged {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** @returns what the child printed. */
async function runAndKill(dir: string, round: number, afterMs: number): Promise<string> {
  const child = spawn(process.execPath, [script, dir, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child.stdout, "data");
  await systemClock.sleep(afterMs);
  child.kill("SIGKILL");
  await once(child, "close");
  return text;
}

/** The last line may be cut off; then nobody was told. */
function note(ledger: Ledger, printed: string): void {
  for (const line of printed.split("\n").slice(0, -1)) {
    const [kind, ...words] = line.split(" ");
    if (kind === "a") ledger.acknowledged.push({ name: words[0]!, from: Number(words[1]), to: Number(words[2]) });
    if (kind === "c") ledger.committed = Math.max(ledger.committed, Number(words[0]));
  }
}

async function readAll(dir: string): Promise<Map<number, string>> {
  const log = await openEmbeddedLog({ dir, bytesMax: fileBytesMax, freeBytesMin: 0, clock: systemClock });
  const found = new Map<number, string>();
  const end = (await log.ends()).get(src(0))!;
  for (let at = offset(0); at < end;) {
    for (const record of await log.read(
      { src: src(0), off: at },
      { bytesMax: 1 << 24, eventsMax: 100_000, waitMs: 0 },
    )) {
      for (const [i, event] of unpack(record.events).entries()) found.set(record.from + i, event.event_id);
      at = offset(record.to + 1);
    }
  }
  await log.close();
  return found;
}

function checkKept(found: Map<number, string>, { acknowledged, committed }: Ledger): void {
  assert.equal(new Set(found.values()).size, found.size, "an event is there twice");
  for (const { name, from, to } of acknowledged) {
    for (let at = from; at <= to; at++)
      if (at >= committed) assert.equal(found.get(at), `${name}.${at - from}`, `offset ${at}`);
  }
}

interface Original {
  readonly dir: string;
  readonly records: readonly StoredRecord[];
  readonly next: number;
}

test(`of ${mutants} damaged logs none crashes, lies or is silently short (WEIR_SEED=${seed})`, (t) => {
  const random = randomOf(seed);
  const originals = [makeOriginal("closed", random), makeOriginal("killed", random)];
  const outcomes = { refused: 0, reported: 0, whole: 0 };
  for (let mutant = 0; mutant < mutants; mutant++) {
    const original = originals[mutant % 2]!;
    const dir = join(root, "mutant");
    cpSync(original.dir, dir, { recursive: true });
    const what = damage(dir, original, random);
    try {
      outcomes[judge(dir, original)] += 1;
    } catch (cause) {
      throw new Error(`mutant ${mutant}, WEIR_SEED=${seed}: ${what}`, { cause });
    }
    rmSync(dir, { recursive: true });
  }
  t.diagnostic(JSON.stringify(outcomes));
  assert.ok(outcomes.refused > 0 && outcomes.whole > 0);
});

/** A log of some records, some of them deleted, either closed or as a killed process leaves it. */
function makeOriginal(kind: "closed" | "killed", random: () => number): Original {
  const dir = join(root, `${kind}-original`);
  const live = kind === "closed" ? dir : join(root, "live");
  rmSync(live, { recursive: true, force: true });
  mkdirFor(live);
  const writer = new LogWriter(openWriterFiles(live, fileBytesMax));
  for (let i = 0; i < 40; i++) {
    writer.write([job(i, Math.ceil(random() * (i % 5 === 0 ? 2_000 : 60)))]);
    if (i === 15 || i === 25) writer.tidy();
    if (i === 20) writer.trimTo(Math.floor(writer.mark.next / 3));
  }
  const reader = new LogReader(openReaderFiles(live));
  const original = { dir, records: reader.read(all), next: writer.mark.next };
  if (kind === "killed") cpSync(live, dir, { recursive: true });
  reader.close();
  writer.close();
  return original;
}

function mkdirFor(dir: string): void {
  cpSync(mkdtempSync(join(root, "empty-")), dir, { recursive: true });
}

function job(id: number, count: number): AppendJob {
  const { bytes } = pack(
    Array.from({ length: count }, (_, i) => ({
      event_id: `e${id}.${i}`,
      event_type: "t",
      user_id: "u",
      timestamp: i,
      payload: `{"k":${i}}`,
    })),
  );
  return { id, count, appendedAt: 1_768_000_000_000 + id, length: bytes.length, body: new Uint8Array(bytes).buffer };
}

type Damage = (bytes: Buffer, at: number, random: () => number) => Buffer;

const damages: Record<string, Damage> = {
  "bit flipped": (bytes, at, random) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return bytes;
  },
  "cut off": (bytes, at) => bytes.subarray(0, at),
  "cut off at a page": (bytes, at) => bytes.subarray(0, at - (at % 4096)),
  zeroed: (bytes, at) => bytes.fill(0, at, Math.min(bytes.length, at + 4096)),
  "zeroed to the end": (bytes, at) => bytes.fill(0, at),
  doubled: (bytes) => Buffer.concat([bytes, bytes]),
  "a piece doubled": (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 4096))]),
  "a piece removed": (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 4096)]),
  "noise over it": (bytes, at, random) => {
    for (let i = at; i < Math.min(bytes.length, at + 512); i++) bytes[i] = Math.floor(random() * 256);
    return bytes;
  },
  emptied: () => Buffer.alloc(0),
};

/** Damages one file. @returns what was done, for people. */
function damage(dir: string, original: Original, random: () => number): string {
  const files = original.dir.endsWith("killed-original")
    ? ["log.db", "log.db-wal", "log.db-wal", "log.witness"]
    : ["log.db", "log.db", "log.db", "log.witness"];
  const file = files[Math.floor(random() * files.length)]!;
  const names = Object.keys(damages);
  const name = names[Math.floor(random() * names.length)]!;
  const path = join(dir, file);
  const bytes = readFileSync(path);
  // Half of the damage goes to the first page or header, where it matters most.
  const at = Math.floor(random() * (random() < 0.3 ? Math.min(bytes.length, 4096) : bytes.length));
  writeFileSync(path, damages[name]!(bytes, at, random));
  return `${original.dir}, ${file} of ${bytes.length} bytes, ${name} at ${at}`;
}

function judge(dir: string, original: Original): keyof typeof outcomeNames {
  const writer = openOrRefuse(dir);
  if (writer === undefined) return "refused";
  try {
    assert.equal(writer.mark.next, original.next, "the end of the log is another one");
    const outcome = readDamaged(dir, original);
    if (outcome === "whole") useOn(writer);
    return outcome;
  } finally {
    closeWhatever(writer);
  }
}

const outcomeNames = { refused: "start refused", reported: "reading stopped with the reason", whole: "all there" };

function openOrRefuse(dir: string): LogWriter | undefined {
  try {
    return new LogWriter(openWriterFiles(dir, fileBytesMax));
  } catch (error) {
    assert.ok(
      error instanceof WeirError && error.code === "log_damaged",
      `refused without the reason: ${String(error)}`,
    );
    assert.ok(error.message.includes(dir), error.message);
    return undefined;
  }
}

/** Reads on until the end or an error: everything read is as it was, nothing is left out. */
function readDamaged(dir: string, original: Original): "reported" | "whole" {
  const reader = new LogReader(openReaderFiles(dir));
  let read = 0;
  try {
    for (let from = 0; from < original.next;) {
      const records = reader.read({ ...all, from });
      assert.ok(records.length > 0, `nothing at ${from}`);
      for (const record of records) assert.deepEqual(record, original.records[read++]);
      from = records.at(-1)!.first + records.at(-1)!.count;
    }
    assert.equal(read, original.records.length);
    return "whole";
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.equal(faultOf(error, "reading", dir).code, "log_damaged", String(error));
    return "reported";
  } finally {
    reader.close();
  }
}

/** A log that was found whole can be used; what was not seen at the start is at least an error. */
function useOn(writer: LogWriter): void {
  try {
    writer.write([job(1_000, 100)]);
    writer.trimTo(writer.mark.next);
    while (writer.hasTrimWork) writer.write([]);
  } catch (error) {
    assert.ok(!(error instanceof assert.AssertionError));
  }
}

function closeWhatever(writer: LogWriter): void {
  try {
    writer.close();
  } catch {}
}

const hasStrace = spawnSync("strace", ["-V"]).status === 0;

test(
  "after a failed fsync nothing more is acknowledged, and what was acknowledged is kept",
  { skip: hasStrace ? false : "strace is not installed" },
  async () => {
    const dir = join(root, "eio");
    const inject = [
      "-f",
      "-qq",
      "-o",
      join(root, "strace"),
      "-e",
      "trace=fsync,fdatasync",
      "-e",
      "inject=fsync,fdatasync:error=EIO:when=60+",
    ];
    const child = spawn("strace", [...inject, process.execPath, script, dir, "0"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await once(child, "close");
    const afterFailure = printed.slice(printed.indexOf("f log_failed"));
    assert.match(afterFailure, /^f log_failed .*log\.db/);
    assert.doesNotMatch(afterFailure, /\na /);
    const ledger: Ledger = { acknowledged: [], committed: 0 };
    note(ledger, printed);
    assert.ok(ledger.acknowledged.length > 0);
    checkKept(await readAll(dir), ledger);
  },
);

/** Mulberry32: numbers in [0, 1) that a seed repeats. */
function randomOf(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
