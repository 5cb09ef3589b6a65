import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { unlessMissing } from "../support/needs.ts";
import { type Random, seeded } from "../support/random.ts";
import { SmallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { FullDisk } from "./full-disk.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

/** How often the disk becomes full, at moments of chance; `WEIR_FULL_DISKS` says another number. */
const moments = Number(process.env["WEIR_FULL_DISKS"] ?? 5);
const onOneDisk = 5;
const mib = 1 << 20;
const load = { senders: 2, requestEventsMax: 100, retryShare: 1 };
const inside = "WEIR_TEST_UNSHARED";

const why = await whyNoSmallDisk();

if (why !== undefined && process.env[inside] === undefined && spawnSync("unshare", ["-rm", "true"]).status === 0) {
  test("R5: the tests of a full disk, where one may mount (unshare -rm)", () => {
    const args = ["-rm", process.execPath, "--test", fileURLToPath(import.meta.url)];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const run = spawnSync("unshare", args, { env: { ...env, [inside]: "1" }, stdio: "inherit" });
    assert.equal(run.status, 0);
  });
} else {
  tests();
}

function tests(): void {
  test("R5: a disk that is full in spite of everything, at any moment", unlessMissing(why), async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    const told: string[] = [];
    for (let at = 0; at < moments; at += onOneDisk) {
      const play = async (stage: Stage, disk: SmallDisk): Promise<void> => {
        const full = new FullDisk(stage, disk);
        await stage.start({ args: ["--disk-free-min", "0"] });
        await stage.putRules(faultRules);
        for (let moment = at; moment < Math.min(at + onOneDisk, moments); moment++)
          told.push(await becomesFull(full, moment % onOneDisk === 3, random));
        t.diagnostic(
          `seed ${seed}: ${told.splice(0).join("; ")}; nothing to be read for ${full.awayMs} ms at the most; ${JSON.stringify(stage.ledger.summary())}`,
        );
      };
      await onDisk(seed + at, 160 * mib, play, seed);
    }
  });

  test("R5: below the mark ingest stops, and everything else goes on", unlessMissing(why), async () => {
    await onDisk(faultSeed(), 160 * mib, async (stage, disk) => {
      const full = new FullDisk(stage, disk);
      await stage.start({ args: ["--disk-free-min", String(64 * mib)] });
      await stage.putRules(faultRules.slice(1));
      stage.senders.start(stage.server.ingestUrl);
      await pause(300);
      disk.fill(48 * mib);
      await full.refuses(/must stay free/);
      await full.reads(20_000);
      await stage.putRules(faultRules.slice(0, 1));
      disk.free();
      await full.acceptsAgain();
      await stage.senders.stop();
      await stage.verify(faultRules);
      assert.doesNotMatch(stage.server.output(), /the engine has ended/);
    });
  });

  test("R5: events fill the disk, and a larger one is all it needs", unlessMissing(why), async () => {
    await onDisk(faultSeed(), 72 * mib, async (stage, disk) => {
      const full = new FullDisk(stage, disk);
      await stage.start({ args: ["--disk-free-min", "0"] });
      await stage.putRules(faultRules.slice(0, 3));
      // The log leaves 32 MiB free; events need not have filled all the rest.
      disk.fill(40 * mib);
      stage.senders.start(stage.server.ingestUrl);
      await full.refuses(/must stay free/, 300_000);
      await full.reads();
      await stage.senders.stop();
      disk.grow(400 * mib);
      await full.acceptsAgain();
      await stage.senders.sendAgain(stage.server.ingestUrl);
      await stage.verify(faultRules.slice(0, 3));
    });
  });
}

async function onDisk(
  seed: number,
  bytes: number,
  play: (stage: Stage, disk: SmallDisk) => Promise<void>,
  partOf = seed,
): Promise<void> {
  const disk = SmallDisk.mount(bytes);
  try {
    await Stage.run(seed, load, (stage) => play(stage, disk), { folder: join(disk.folder, "data"), partOf });
  } finally {
    await disk.unmount();
  }
}

/** @returns what was done, for people. */
async function becomesFull(full: FullDisk, kills: boolean, random: Random): Promise<string> {
  const { stage, disk } = full;
  const left = random.chance(0.5) ? 0 : random.int(15 * mib);
  const afterMs = random.int(600);
  stage.senders.start(stage.server.ingestUrl);
  await pause(afterMs);
  disk.fill(left);
  await full.refuses(/left|full/);
  await full.noticed();
  await full.reads();
  assert.equal(
    stage.ledger.summary().requests.unknown,
    full.unknown,
    "ingest answered with an error that says nothing",
  );
  if (kills) await full.dies();
  else disk.free();
  await full.acceptsAgain();
  await stage.senders.stop();
  await stage.senders.sendAgain(stage.server.ingestUrl);
  await stage.verify(faultRules);
  return `${left} bytes left after ${afterMs} ms${kills ? ", killed" : ""}`;
}
