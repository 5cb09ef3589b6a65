import type { Client } from "../../src/live/client.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import { Assembler, type ExactMessage } from "../support/assembler.ts";
import { type Random, mix, seeded } from "../support/random.ts";
import type { World } from "./world.ts";

/**
 * A client of the exact protocol: watches every rule there is, now and then does not read for a while, and when its line has
 * ended comes back to where it was, or thinks it is.
 */
export class ExactWatcher implements Client {
  readonly assembler = new Assembler();
  readonly #watched = new Set<string>();
  readonly #world: World;
  readonly #random: Random;
  #connection: LiveConnection | undefined;
  #isSlow = false;

  /** Draws by itself: what others do does not depend on it. */
  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = seeded(mix(seed) ^ 1);
    world.onEnd.add(() => this.#lineEnded());
  }

  send(text: string): void {
    this.#world.trace.note(`tells exactly ${text}`);
    const message: ExactMessage = JSON.parse(text);
    if (message.type === "error" && message.rule_id !== undefined) this.#watched.delete(message.rule_id);
    try {
      this.assembler.take(message);
    } catch (error) {
      this.#world.findings.push(`the exact protocol is broken: ${String(error)}`);
    }
  }

  bufferedBytes(): number {
    return this.#isSlow ? 1e6 : 0;
  }

  close(): void {
    this.#lineEnded();
  }

  async run(): Promise<void> {
    const { scheduler, plan } = this.#world;
    for (let left = 8; left > 0; left--) {
      this.look();
      await scheduler.sleep(this.#random.int(plan.activeMs / 3));
      this.#isSlow = this.#random.chance(0.3);
      if (this.#random.chance(0.4)) this.#lineEnded();
    }
    this.#isSlow = false;
  }

  /** Connects when it is not connected, and asks for every rule that it does not watch yet. */
  look(): void {
    const { server } = this.#world;
    if (server === undefined) return;
    this.#connection ??= server.hub.connect(this);
    for (const { rule_id: id } of server.book.list()) if (!this.#watched.has(id)) this.#watch(id);
  }

  #watch(id: string): void {
    this.#watched.add(id);
    const place = this.assembler.resume(id);
    if (place === undefined) this.assembler.subscribe(id);
    const from = this.#random.chance(0.5) ? { from: "0" } : {};
    const resume = place === undefined ? {} : { resume: { [id]: place } };
    const interval_ms = this.#random.pick([50, 200, 1000]);
    this.#world.trace.note(`somebody watches ${id} exactly${place ? ` from ${place.seq}` : ""}`);
    this.#connection?.receive(
      JSON.stringify({ subscribe_rules: [id], mode: "delta", interval_ms, ...from, ...resume }),
    );
  }

  #lineEnded(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#watched.clear();
    connection?.closed();
  }
}
