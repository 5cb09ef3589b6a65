import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Points, serverFiles, writingCalls } from "../../../test/faults/syscalls.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { seeded } from "../../../test/support/random.ts";
import { trace, whyNoStrace } from "../../../test/support/strace.ts";
import type { Point, Traced } from "../../../test/support/trace-text.ts";
import { killScript, LogLedger } from "./log-ledger.fixture.ts";

/** The half of the points that need no more than the log; the other is in test/faults/syscall.fault.test.ts. */
const all = Number(process.env["WEIR_SYSCALLS"] ?? 50);
const points = Math.ceil(all / 2);
const again = Math.ceil(all / 10);
const seed = Number(process.env["WEIR_FAULT_SEED"] ?? Date.now() % 1_000_000);
const lifeMs = 150;
const comesWithinMs = 10_000;

test(
  `R2: the log is killed at any system call that writes: what was acknowledged is there, once (WEIR_FAULT_SEED=${seed})`,
  unlessMissing(whyNoStrace()),
  async (t) => {
    const random = seeded(seed);
    const root = mkdtempSync(join(tmpdir(), "weir-log-syscall-"));
    const ledger = new LogLedger();
    try {
      const dir = join(root, "log");
      const start = new Points(await run(root, ledger, "first start", 0), root, 1, random);
      let life = new Points(await run(root, ledger, "first life", lifeMs), root, 3, random);
      // A busy machine lets it write little in so short a life.
      for (let ms = 2 * lifeMs; life.isEmpty && ms < comesWithinMs; ms *= 2)
        life = new Points(await run(root, ledger, `life-${ms}`, ms), root, 3, random);
      const died: string[] = [];
      for (let draw = 0; died.length < points && draw < 4 * points; draw++) {
        const drawn = [life.next(), ...(died.length < again ? [start.next()] : [])];
        const killed: (string | undefined)[] = [];
        for (const [nth, point] of drawn.entries())
          killed.push((await run(root, ledger, `${draw}-${nth}`, comesWithinMs, point)).killedAt);
        await ledger.check(dir).catch((cause: unknown) => {
          throw new Error(`WEIR_FAULT_SEED=${seed}: after kills at ${JSON.stringify(drawn)}, ${killed.join("; ")}`, {
            cause,
          });
        });
        if (killed.every((at) => at !== undefined)) died.push(drawn.at(-1)!.call);
      }
      assert.equal(died.length, points, "too few of the points came");
      t.diagnostic(`${died.length} points, ${ledger.size} appends acknowledged; ${tally(died)}`);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
);

/** A process that appends until it comes to the point, or until `ms` after it was ready. */
async function run(root: string, ledger: LogLedger, name: string, ms: number, killAt?: Point): Promise<Traced> {
  const child = spawn(process.execPath, [killScript, join(root, "log"), name.replace(" ", "-")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  const ready = new Promise<void>((resolve) =>
    child.stdout.on("data", (chunk: Buffer) => ((printed += chunk.toString()), resolve())),
  );
  const closed = once(child, "close");
  const files = serverFiles(root);
  const watching = await trace({ pid: child.pid!, calls: writingCalls, files, ...(killAt ? { killAt } : {}) });
  await Promise.race([watching.ended, ready.then(() => pause(ms))]);
  child.kill("SIGKILL");
  await closed;
  ledger.note(printed);
  return watching.ended;
}

const tally = (calls: readonly string[]): string =>
  Object.entries(Object.groupBy(calls, (call) => call))
    .map(([call, all]) => `${call} ${all?.length}`)
    .sort()
    .join(", ");
