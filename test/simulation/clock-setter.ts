import type { World } from "./world.ts";

const hourMs = 3_600_000;

/** Somebody who sets the machine's clock, never right for long. */
export class ClockSetter {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** By up to two hours, ahead or back. */
  leap(): void {
    this.#set(this.#world.random.int(4 * hourMs) - 2 * hourMs);
  }

  /** While a request is under way, or at once, which mostly is while none is. */
  setSometime(): void {
    const { random, scheduler, atNextRequest } = this.#world;
    if (random.chance(0.5)) this.set();
    else atNextRequest.push(() => void scheduler.after(random.int(300), () => this.set()));
  }

  /** In one of the ways in which a clock is wrong; now and then it is set back at once. */
  set(): void {
    const { random, scheduler, wall } = this.#world;
    const before = wall.offset;
    random.pick([this.#leapFar, this.#leapFar, this.leap, this.#step, this.#drift, this.#right]).call(this);
    if (random.chance(0.25)) scheduler.after(random.int(3000), () => this.#set(before));
  }

  /** Mostly back, if it is not behind yet: by hours either way. */
  setFar(): void {
    const { random, wall } = this.#world;
    this.#set((wall.offset > -hourMs && random.chance(0.8) ? -2 : 2) * hourMs);
  }

  #leapFar(): void {
    this.#set(this.#world.random.pick([-2, 2]) * hourMs);
  }

  /** As small as corrections are, and a little larger. */
  #step(): void {
    const { random, wall } = this.#world;
    this.#set(wall.offset + random.int(40_000) - 20_000);
  }

  /** Away from the right time, and no further than a clock is set. */
  #drift(): void {
    const { random, wall } = this.#world;
    this.#set(Math.max(-hourMs, Math.min(hourMs, wall.offset)), random.next() * 0.04 - 0.02);
  }

  #right(): void {
    this.#set(0);
  }

  #set(offset: number, rate = 0): void {
    const { wall, trace } = this.#world;
    wall.set(offset, rate);
    this.#world.clockSettings += 1;
    trace.note(`the clock is off by ${offset}${rate === 0 ? "" : `, and goes ${rate} wrong`}`);
  }
}
