import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { unlessMissing } from "../support/needs.ts";
import { type Random, seeded } from "../support/random.ts";
import { whyNoStrace } from "../support/strace.ts";
import { Deaths, type Kind, type Lives } from "./deaths.ts";
import { faultSeed, Stage } from "./stage.ts";

/** `WEIR_SYSCALLS` says how many points; the half that need no more than the log are in src/log/embedded/syscall.fault.test.ts. */
const factor = Number(process.env["WEIR_SYSCALLS"] ?? 50) / 50;
/** So many follow each other on one data folder; then a new one is begun. */
const onOneFolder = 10;
/** A point that does not come is drawn anew so often. */
const drawsMax = 24;

interface Plan {
  readonly kind: Kind;
  /** Kills a second time, while the first death is recovered from. */
  readonly again: boolean;
}

test(
  "R2: killed at any system call that writes, everything acknowledged is counted once",
  unlessMissing(whyNoStrace()),
  async (t) => {
    const seed = faultSeed();
    const plans = planned(seeded(seed));
    const died: string[] = [];
    let lives: Lives | undefined;
    for (let at = 0; at < plans.length; at += onOneFolder) {
      const play = async (stage: Stage): Promise<void> => {
        const deaths = new Deaths(stage);
        await deaths.begin();
        lives ??= await deaths.count(seeded(seed + 1));
        for (const plan of plans.slice(at, at + onOneFolder)) died.push(await die(deaths, lives, plan));
      };
      await Stage.run(seed + at, { senders: 2, requestEventsMax: 6, retryShare: 1 }, play, { partOf: seed });
    }
    report(t, seed, died);
  },
);

function planned(random: Random): Plan[] {
  const of = (kind: Kind, usual: number, again: number): Plan[] =>
    Array.from({ length: Math.round(usual * factor) }, (_, at) => ({ kind, again: at < again * factor }));
  const all = [...of("server", 11, 3), ...of("engine", 8, 1), ...of("engine and all", 6, 1)];
  return all
    .map((plan) => [random.next(), plan] as const)
    .sort(([a], [b]) => a - b)
    .map(([, plan]) => plan);
}

/** @returns the name of the call. */
async function die(deaths: Deaths, lives: Lives, { kind, again }: Plan): Promise<string> {
  for (let draw = 0; draw < drawsMax; draw++) {
    const call = await deaths.one(lives, kind, again);
    if (call !== undefined) return `${kind}: ${call}`;
  }
  assert.fail(`of ${drawsMax} points in the life of ${kind} none came`);
}

function report(t: TestContext, seed: number, died: readonly string[]): void {
  const counts = Object.entries(Object.groupBy(died, (call) => call)).map(([call, all]) => `${call} ${all?.length}`);
  t.diagnostic(`seed ${seed}: ${died.length} points; ${counts.sort().join(", ")}`);
}
