import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { OpenOrder, Order, Tick, Told } from "./order.ts";

const script = fileURLToPath(new URL("watchers.fixture.ts", import.meta.url));

/** A process full of watching sockets. */
export class Watchers {
  readonly #child: ChildProcess = fork(script);

  async open(order: Omit<OpenOrder, "type">): Promise<Extract<Told, { type: "opened" }>> {
    return (await this.#ask({ type: "open", ...order })) as Extract<Told, { type: "opened" }>;
  }

  async delays(ticks: readonly Tick[]): Promise<Extract<Told, { type: "delays" }>> {
    return (await this.#ask({ type: "delays", ticks })) as Extract<Told, { type: "delays" }>;
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
