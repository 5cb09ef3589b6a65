import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pack } from "../../event/packed.ts";
import { systemClock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { whyNoStrace } from "../../../test/support/strace.ts";
import { faultOf } from "./fault.ts";
import { witnessPath } from "./files.ts";
import { killScript, LogLedger } from "./log-ledger.fixture.ts";
import type { AppendJob, StoredRecord } from "./messages.ts";
import { openReaderFiles } from "./reader-files.ts";
import { LogReader } from "./reader.ts";
import { openWriterFiles } from "./writer-files.ts";
import { LogWriter } from "./writer.ts";

/** The embedded log broken on purpose. `WEIR_SEED` repeats a run, `WEIR_MUTANTS` and `WEIR_KILLS` make it longer. */
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 1_000_000);
const mutants = Number(process.env["WEIR_MUTANTS"] ?? 500);
const kills = Number(process.env["WEIR_KILLS"] ?? 10);

const root = mkdtempSync(join(tmpdir(), "weir-log-fault-"));
after(() => rmSync(root, { recursive: true, force: true }));

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
  const ledger = new LogLedger();
  // A busy machine appends little in so short a time.
  for (let round = 0; round < kills || (ledger.size <= kills && round < 10 * kills); round++) {
    ledger.note(await runAndKill(dir, round, 300 * random()));
    await ledger.check(dir);
  }
  assert.ok(ledger.size > kills, "too little was appended to prove anything");
});

test("kill -9 in a first start, before the witness is written, is no damage", async () => {
  const dir = mkdtempSync(join(root, "first-"));
  const script = fileURLToPath(new URL("killed-start.fixture.ts", import.meta.url));
  const [, signal] = (await once(spawn(process.execPath, [script, dir], { stdio: "inherit" }), "close")) as unknown[];
  assert.equal(signal, "SIGKILL");
  assert.equal(statSync(witnessPath(dir)).size, 0);
  await new LogLedger().check(dir);
});

/** @returns what the child printed. */
async function runAndKill(dir: string, round: number, afterMs: number): Promise<string> {
  const child = spawn(process.execPath, [killScript, dir, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child.stdout, "data");
  await systemClock.sleep(afterMs);
  child.kill("SIGKILL");
  await once(child, "close");
  return text;
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
  const original = { dir, records: reader.read({ ...all, from: writer.mark.base }), next: writer.mark.next };
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
    for (let from = original.records[0]!.first; from < original.next;) {
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

test(
  "after a failed fsync nothing more is acknowledged, and what was acknowledged is kept",
  unlessMissing(whyNoStrace()),
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
    const child = spawn("strace", [...inject, process.execPath, killScript, dir, "0"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await once(child, "close");
    const afterFailure = printed.slice(printed.indexOf("f log_failed"));
    assert.match(afterFailure, /^f log_failed .*log\.db/);
    assert.doesNotMatch(afterFailure, /\na /);
    const ledger = new LogLedger();
    ledger.note(printed);
    assert.ok(ledger.size > 0);
    await ledger.check(dir);
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
