import { pack } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { openEmbeddedLog } from "./embedded.ts";

/**
 * A process to be killed: appends to the log of the folder given, some appends in flight at a time, and prints
 * `a <name> <from> <to>` for each one acknowledged, `c <next>` before each commit, `f <code> …` when the log has failed.
 */
const [dir, round] = process.argv.slice(2);
const log = await openEmbeddedLog({
  dir: dir!,
  bytesMax: 1 << 30,
  freeBytesMin: 0,
  clock: systemClock,
  onFailure: (error) => say(`f ${error.code} ${error.message}`),
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function appendForever(worker: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const name = `${round}.${worker}.${turn}`;
    const count = 1 + ((worker * 31 + turn * 17) % 200);
    const [range] = await log.append(
      pack(
        Array.from({ length: count }, (_, i) => ({
          event_id: `${name}.${i}`,
          event_type: "t",
          user_id: "u",
          timestamp: i,
          payload: "{}",
        })),
      ),
    );
    say(`a ${name} ${range!.from} ${range!.to}`);
    if (worker === 0 && turn % 20 === 19) {
      say(`c ${range!.from - 500}`);
      if (range!.from > 500) await log.commit(src(0), offset(range!.from - 500));
    }
  }
}

say("ready");
await Promise.all([0, 1, 2, 3, 4].map(appendForever));
