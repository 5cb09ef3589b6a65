import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { OpenOrder, Order, Tick, Told } from "./order.ts";

/** What has not come by then does not come: also on a machine that is busy. */
const patienceMs = 120_000;
const lookEveryMs = 500;
const script = fileURLToPath(new URL("watchers.fixture.ts", import.meta.url));

/** A process full of watching sockets. */
export class Watchers {
  readonly #child: ChildProcess = fork(script);

  async open(order: Omit<OpenOrder, "type">): Promise<Extract<Told, { type: "opened" }>> {
    return (await this.#ask({ type: "open", ...order })) as Extract<Told, { type: "opened" }>;
  }

  /** Once all ticks have come, or nobody would wait for them any more. */
  async delays(ticks: readonly Tick[]): Promise<Extract<Told, { type: "delays" }>> {
    for (const end = performance.now() + patienceMs; ; await pause(lookEveryMs)) {
      const told = (await this.#ask({ type: "delays", ticks })) as Extract<Told, { type: "delays" }>;
      if (told.missing === 0 || performance.now() > end) return told;
    }
  }

  async assembled(): Promise<readonly string[]> {
    return ((await this.#ask({ type: "assembled" })) as Extract<Told, { type: "assembled" }>).outcomes;
  }

  async ends(): Promise<readonly string[]> {
    return ((await this.#ask({ type: "ends" })) as Extract<Told, { type: "ends" }>).ends;
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }

  async #ask(order: Order): Promise<Told> {
    const answer = once(this.#child, "message");
    this.#child.send(order);
    const [told] = (await answer) as [Told];
    return told;
  }
}

/**
 * Resolves when all sockets of the mode `delta` have put together what is answered.
 * @throws what one of them has instead, when that lasts.
 */
export async function assembledAs(crowd: readonly Watchers[], ask: () => Promise<readonly unknown[]>): Promise<void> {
  for (const end = performance.now() + patienceMs; ; await pause(lookEveryMs)) {
    const answered = JSON.stringify([await ask()]);
    const outcomes = (await Promise.all(crowd.map((one) => one.assembled()))).flat();
    const others = outcomes.filter((outcome) => outcome !== answered);
    if (outcomes.length > 0 && others.length === 0) return;
    if (performance.now() > end) throw new Error(`a client has ${others[0]}, and /stats answers ${answered}`);
  }
}
