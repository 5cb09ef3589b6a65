import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { unpack } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { openEmbeddedLog } from "./embedded.ts";

/** The program whose output a `LogLedger` reads: `kill.fixture.ts <folder> <name of the run>`. */
export const killScript = fileURLToPath(new URL("kill.fixture.ts", import.meta.url));

interface Acknowledged {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** What processes that were killed had been told, and how far they had allowed deletion. */
export class LogLedger {
  readonly #acknowledged: Acknowledged[] = [];
  #committed = 0;

  /** Appends that were acknowledged. */
  get size(): number {
    return this.#acknowledged.length;
  }

  /** Takes what a process printed. The last line may be cut off; then nobody was told. */
  note(printed: string): void {
    for (const line of printed.split("\n").slice(0, -1)) {
      const [kind, ...words] = line.split(" ");
      if (kind === "a") this.#acknowledged.push({ name: words[0]!, from: Number(words[1]), to: Number(words[2]) });
      if (kind === "c") this.#committed = Math.max(this.#committed, Number(words[0]));
    }
  }

  /** Opens the log: everything acknowledged and not allowed to go is where it was told to be, and no event is there twice. */
  async check(dir: string): Promise<void> {
    const found = await readAll(dir);
    assert.equal(new Set(found.values()).size, found.size, "an event is there twice");
    for (const { name, from, to } of this.#acknowledged) {
      for (let at = from; at <= to; at++)
        if (at >= this.#committed) assert.equal(found.get(at), `${name}.${at - from}`, `offset ${at}`);
    }
  }
}

async function readAll(dir: string): Promise<Map<number, string>> {
  const log = await openEmbeddedLog({ dir, bytesMax: 1 << 30, freeBytesMin: 0, clock: systemClock });
  const found = new Map<number, string>();
  const end = (await log.ends()).get(src(0))!;
  for (let at = await log.committed(src(0)); at < end;) {
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
