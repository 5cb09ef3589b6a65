import { Ledger } from "../faults/ledger.ts";
import { offset, src } from "../../src/event/position.ts";
import { withoutRealTime } from "./ban.ts";
import { Editor } from "./editor.ts";
import { ExactWatcher } from "./exact-watcher.ts";
import { judge } from "./judge.ts";
import { Events, Sender } from "./senders.ts";
import type { Spoiler } from "./tables.ts";
import { Troubles } from "./troubles.ts";
import { Watcher } from "./watchers.ts";
import { World, begin } from "./world.ts";

export interface Played {
  readonly seed: number;
  readonly findings: readonly string[];
  readonly trace: readonly string[];
  readonly hash: number;
  readonly events: number;
  readonly deaths: number;
}

export interface PlayOptions {
  readonly keepTrace?: boolean;
  readonly spoiler?: Spoiler;
}

/** Longer than any world needs to come to rest. */
const settledWithinMs = 900_000;
/** What was counted is pushed by then, ms: reads that failed often pause for 5 s, and pushes come every 5 s. */
const pushedWithinMs = 15_000;

/** Plays the world of a seed from its beginning to its rest, and judges it. */
export function play(seed: number, { keepTrace = false, spoiler }: PlayOptions = {}): Promise<Played> {
  return withoutRealTime(async () => {
    const world = new World(seed, { keepTrace, spoiler });
    const story = new Story(world, seed);
    await world.open();
    try {
      const ending = story.tell();
      ending.catch((error: unknown) => void world.findings.push(`the story broke off: ${String(error)}`));
      await world.scheduler.run(begin + settledWithinMs, () => story.isOver || world.findings.length > 0);
      if (!story.isOver && world.findings.length === 0) world.findings.push(`never came to rest: ${story.account()}`);
    } finally {
      await world.close();
    }
    const { findings, trace, deaths } = world;
    return { seed, findings, trace: trace.lines, hash: trace.hash, events: world.tables.raw.length, deaths };
  });
}

class Story {
  isOver = false;
  readonly #world: World;
  readonly #ledger = new Ledger();
  readonly #editor: Editor;
  readonly #watchers: readonly Watcher[];
  readonly #exactWatchers: readonly ExactWatcher[];
  #chapter = "trouble";

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#editor = new Editor(world);
    const { watchers, exactWatchers } = world.plan;
    this.#watchers = Array.from({ length: watchers }, () => new Watcher(world));
    this.#exactWatchers = Array.from({ length: exactWatchers }, (_, index) => new ExactWatcher(world, seed + index));
  }

  async tell(): Promise<void> {
    const world = this.#world;
    const events = new Events(world);
    const senders = Array.from({ length: world.plan.senders }, () => new Sender(world, this.#ledger, events));
    const others = [this.#editor, new Troubles(world), ...this.#watchers, ...this.#exactWatchers];
    await Promise.all([...senders, ...others].map((one) => one.run()));
    world.calmDown();
    this.#chapter = "calm";
    await this.#rest();
    await this.#editor.resumeAll();
    this.#chapter = "resumed";
    await this.#rest();
    await this.#pushed();
    this.#chapter = "judged";
    const { server } = world;
    if (server === undefined) throw new Error("the server died of nothing");
    const witnesses = {
      server,
      ledger: this.#ledger,
      editor: this.#editor,
      watchers: this.#watchers,
      exactWatchers: this.#exactWatchers,
    };
    world.findings.push(...(await judge(witnesses)));
    this.isOver = true;
  }

  account(): string {
    const rules = this.#world.server?.book.list().map(({ rule_id: id, versions }) => `${id} ${versions.at(-1)?.phase}`);
    return JSON.stringify({ chapter: this.#chapter, rules });
  }

  /** Those whose line has ended come back, and are told what they lack; again, if a death that was on its way has come between. */
  async #pushed(): Promise<void> {
    const { scheduler } = this.#world;
    for (let deaths = -1; deaths !== this.#world.deaths;) {
      await this.#rest();
      deaths = this.#world.deaths;
      for (const watcher of this.#exactWatchers) watcher.look();
      await scheduler.sleep(pushedWithinMs);
    }
  }

  /** Until everything that is durable is counted and every rule is filled. */
  async #rest(): Promise<void> {
    while (!(await this.#isAtRest())) await this.#world.scheduler.sleep(100);
  }

  async #isAtRest(): Promise<boolean> {
    const { server } = this.#world;
    if (server === undefined) return false;
    const end = (await server.log.ends()).get(src(0)) ?? 0;
    const all = end === 0 ? [] : [{ src: src(0), from: offset(0), to: offset(end - 1) }];
    const phases = server.book.list().map(({ versions }) => versions.at(-1)?.phase);
    return server.progress.isCounted(all) && phases.every((phase) => phase === "live" || phase === "paused");
  }
}
