import type { Server } from "./server.ts";
import { heavy } from "./rules.ts";
import type { World } from "./world.ts";

/** Somebody who makes a rule that the engine can't compute, sees what it does, and takes it back. */
export class HeavyRule {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const { plan, random, scheduler } = this.#world;
    if (!plan.hasHeavyRule) return;
    await scheduler.sleep(random.int(plan.activeMs));
    await this.#try(({ book }) => book.put(heavy, {}));
    await scheduler.sleep(random.int(10_000));
    if (random.chance(0.5)) await this.#try(({ book }) => book.patch(heavy.rule_id, { active: false }, {}));
    await scheduler.sleep(random.int(10_000));
    while (!(await this.#hasGone())) await scheduler.sleep(200);
  }

  async #hasGone(): Promise<boolean> {
    let gone = false;
    await this.#try(async ({ book }) => {
      const records = await book.current();
      gone = !records.some(({ rule_id: id }) => id === heavy.rule_id);
      if (!gone) await book.remove(heavy.rule_id, {});
    });
    return gone;
  }

  /** Whoever dies meanwhile answers nothing; and what is refused is tried no harder. */
  async #try(change: (server: Server) => Promise<unknown>): Promise<void> {
    const { server, scheduler, onEnd } = this.#world;
    if (server === undefined) return;
    const ended = Promise.withResolvers<void>();
    const tell = (): void => ended.resolve();
    onEnd.add(tell);
    scheduler.after(20_000, tell);
    await Promise.race([change(server).catch(() => {}), ended.promise]);
    onEnd.delete(tell);
  }
}
