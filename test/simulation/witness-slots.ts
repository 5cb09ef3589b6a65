import type { WitnessFile } from "../../src/log/embedded/witness.ts";
import type { Random } from "../support/random.ts";
import type { DiskUser } from "./disk-user.ts";
import type { Death } from "./life.ts";

interface Written {
  readonly bytes: Buffer;
  readonly at: number;
  syncedAt: number;
}

/**
 * The witness's file on the simulated disk: two sectors, each of which is written as a whole. When the machine dies, each
 * has what was synced last or anything that was written to it since.
 */
export class WitnessSlots {
  readonly #slots: [Written[], Written[]] = [[], []];

  /** What each slot holds; those that were never written are left out. */
  contents(): Buffer[] {
    return this.#slots.flatMap((written) => written.at(-1)?.bytes ?? []);
  }

  file(user: DiskUser): WitnessFile {
    return {
      write: (slot, bytes) => {
        if (user.life.alive)
          this.#slots[slot]?.push({ bytes: Buffer.from(bytes), at: user.time(), syncedAt: Infinity });
      },
      sync: () => {
        if (!user.life.alive) return;
        for (const one of this.#slots.flat()) one.syncedAt = Math.min(one.syncedAt, user.time());
      },
      close: () => {},
    };
  }

  crash(death: Death, now: number, random: Random): void {
    for (const written of this.#slots) {
      const there = written.filter(({ at }) => at <= now);
      const synced = Math.max(
        0,
        there.findLastIndex(({ syncedAt }) => syncedAt <= now),
      );
      const kept = death === "process" ? there.length : synced + 1 + random.int(there.length - synced);
      written.splice(0, written.length, ...there.slice(0, kept).slice(-1));
    }
  }
}
