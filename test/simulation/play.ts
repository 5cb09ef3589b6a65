import { withoutRealTime } from "./ban.ts";
import { dayPlanOf } from "./day-plan.ts";
import { planOf } from "./plan.ts";
import { Story } from "./story.ts";
import type { Spoiler } from "./tables.ts";
import { World } from "./world.ts";

export interface Played {
  readonly seed: number;
  readonly findings: readonly string[];
  readonly trace: readonly string[];
  readonly hash: number;
  readonly events: number;
  readonly deaths: number;
  /** How often the clock was set. */
  readonly clockSettings: number;
  /** How often everything has come to rest and was judged. */
  readonly judgements: number;
}

export interface PlayOptions {
  readonly keepTrace?: boolean;
  readonly spoiler?: Spoiler;
  /** A long day of so many hours, instead of some twenty seconds. */
  readonly hours?: number;
}

/** Plays the world of a seed from its beginning to its rest, and judges it. */
export function play(seed: number, { keepTrace = false, spoiler, hours }: PlayOptions = {}): Promise<Played> {
  return withoutRealTime(async () => {
    const world = new World(seed, hours === undefined ? planOf(seed) : dayPlanOf(seed, 0), { keepTrace, spoiler });
    const story = new Story(world, seed);
    await world.open();
    try {
      const ending = hours === undefined ? story.tell() : story.tellDay(hours);
      ending.catch((error: unknown) => void world.findings.push(`the story broke off: ${String(error)}`));
      await world.scheduler.run(Infinity, () => story.isOver || story.isTooLong || world.findings.length > 0);
      if (!story.isOver && world.findings.length === 0) world.findings.push(`never came to rest: ${story.account()}`);
    } finally {
      await world.close();
    }
    const { findings, trace, deaths, clockSettings } = world;
    const { judgements } = story;
    const { hash, lines } = trace;
    return { seed, findings, trace: lines, hash, events: world.tables.raw.length, deaths, clockSettings, judgements };
  });
}
