import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { Disk } from "./disk.ts";

const mib = 2 ** 20;

test("of a disk that becomes full it is told once when that begins, and once when it ends", async () => {
  const clock = new SimulatedClock();
  const said: string[] = [];
  let free = 1025 * mib;
  const log = (level: string, message: string): void => void said.push(`${level}: ${message}`);
  const freeBytes = (): number => {
    if (Number.isNaN(free)) throw new Error("ESTALE");
    return free;
  };
  const disk = new Disk({ freeBytes, stopBytes: 512 * mib, log });
  const stop = disk.start(clock);
  const becomes = async (left: number): Promise<void> => {
    free = left;
    await clock.advance(60_000);
  };
  await becomes(1024 * mib);
  assert.deepEqual([said, disk.remark()], [[], undefined]);
  await becomes(1023.5 * mib);
  await becomes(1100 * mib);
  const now = "the disk of the data folder has 1100 MiB left; at 512 MiB no event is taken any more";
  assert.equal(disk.remark(), now, "a little more is not enough yet");
  await becomes(NaN);
  assert.deepEqual([disk.remark(), disk.free()], [undefined, NaN], "the disk does not answer");
  await becomes(1200 * mib);
  assert.equal(disk.remark(), undefined);
  assert.deepEqual(said, [
    "warn: the disk of the data folder has 1023 MiB left; at 512 MiB no event is taken any more",
    "info: the disk of the data folder has room again",
  ]);
  stop();
});
