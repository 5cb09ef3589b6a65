import assert from "node:assert/strict";
import { test } from "node:test";
import { playMany } from "./play-many.ts";

/** A thread that begins three worlds, and then does this. */
const threadThat = (does: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort, workerData } from "node:worker_threads";
      for (let more = 0; more < 3; more++) parentPort.postMessage({ begun: workerData.from + more });
      ${does}`)}`,
  );

test("a thread that breaks off says which world it played", async () => {
  for (const [does, why] of [
    // As a thread ends that awaits what nobody settles any more, which says so to the terminal as well.
    ["process.exit(13)", "it ended with 13, and said nothing"],
    ["throw new Error('torn')", "Error: torn"],
  ] as const)
    await assert.rejects(playMany({ from: 7, count: 5 }, threadThat(does)), {
      message: `the thread of WEIR_SIM_SEED=9 broke off: ${why}`,
    });
});
