import { ClockSetter } from "./clock-setter.ts";
import type { World } from "./world.ts";

/** What befalls the machine at any moment: kills, stops in order, an engine that goes away, a clock that is set. */
export class Troubles {
  readonly #world: World;
  readonly #clock: ClockSetter;

  constructor(world: World) {
    this.#world = world;
    this.#clock = new ClockSetter(world);
  }

  async run(): Promise<void> {
    const { plan, random } = this.#world;
    const strike = async (times: number, blow: () => unknown): Promise<void> => {
      for (let left = times; left > 0; left--) {
        await this.#world.scheduler.sleep(random.int((2 * plan.activeMs) / times));
        await blow();
      }
    };
    await Promise.all([
      strike(plan.kills, () => this.#world.kill("at any moment")),
      strike(plan.stops, () => this.#world.restart()),
      strike(plan.outages, () => this.#engineGoes()),
      strike(plan.clockSteps, () => (plan.isDay ? this.#clock.setSometime() : this.#clock.leap())),
    ]);
  }

  #engineGoes(): void {
    const { now, random, scheduler, trace } = this.#world;
    if (now === undefined) return;
    now.engine.awayUntil = scheduler.now + random.int(random.chance(0.5) ? 1_000 : 6_000);
    trace.note("the engine goes");
  }
}
