import { Ledger } from "../faults/ledger.ts";
import { offset, src } from "../../src/event/position.ts";
import { ClockSetter } from "./clock-setter.ts";
import { dayPlanOf } from "./day-plan.ts";
import { Editor } from "./editor.ts";
import { ExactWatcher } from "./exact-watcher.ts";
import { HeavyRule } from "./heavy-rule.ts";
import { judge } from "./judge.ts";
import { Events, Sender } from "./senders.ts";
import { Troubles } from "./troubles.ts";
import { Watcher } from "./watchers.ts";
import type { World } from "./world.ts";

/** What was counted is pushed by then, ms: reads that failed often pause for 5 s, and pushes come every 5 s. */
const pushedWithinMs = 15_000;
const hourMs = 3_600_000;

/** What happens in a world: trouble, rest, judgement; in a long day again and again. */
export class Story {
  isOver = false;
  judgements = 0;
  readonly #world: World;
  readonly #seed: number;
  readonly #ledger = new Ledger();
  readonly #editor: Editor;
  readonly #events: Events;
  readonly #watchers: readonly Watcher[];
  readonly #exactWatchers: readonly ExactWatcher[];
  readonly #clock: ClockSetter;
  #chapter = "trouble";
  #until: number;

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#seed = seed;
    this.#editor = new Editor(world);
    this.#events = new Events(world);
    this.#clock = new ClockSetter(world);
    const { begin, settledWithinMs, watchers, exactWatchers } = world.plan;
    this.#until = begin + settledWithinMs;
    this.#watchers = Array.from({ length: watchers }, () => new Watcher(world));
    this.#exactWatchers = Array.from({ length: exactWatchers }, (_, index) => new ExactWatcher(world, seed + index));
  }

  /** It has not come to rest in the time that it has. */
  get isTooLong(): boolean {
    return this.#world.scheduler.now > this.#until;
  }

  async tell(): Promise<void> {
    await this.#stretch();
    this.isOver = true;
  }

  /** So many hours of it, each stretch with other troubles. */
  async tellDay(hours: number): Promise<void> {
    const { scheduler, plan } = this.#world;
    for (let stretch = 1; ; stretch++) {
      await this.#stretch();
      if (this.#world.findings.length > 0 || scheduler.now >= plan.begin + hours * hourMs) break;
      this.#world.rouse(dayPlanOf(this.#seed, stretch));
      this.#until = scheduler.now + this.#world.plan.settledWithinMs;
      this.#chapter = "trouble";
    }
    this.isOver = true;
  }

  account(): string {
    const rules = this.#world.server?.book.list().map(({ rule_id: id, versions }) => `${id} ${versions.at(-1)?.phase}`);
    return JSON.stringify({ chapter: this.#chapter, rules, clockOffMs: this.#world.wall.offset });
  }

  async #stretch(): Promise<void> {
    const world = this.#world;
    const senders = Array.from({ length: world.plan.senders }, () => new Sender(world, this.#ledger, this.#events));
    const others = [this.#editor, new HeavyRule(world), new Troubles(world), ...this.#watchers, ...this.#exactWatchers];
    await Promise.all([...senders, ...others].map((one) => one.run()));
    world.calmDown();
    this.#until = Math.min(this.#until, world.scheduler.now + world.plan.restWithinMs);
    this.#chapter = "calm";
    this.#setClock();
    await this.#rest();
    await this.#editor.resumeAll();
    this.#chapter = "resumed";
    await this.#rest();
    await this.#jolt();
    await this.#pushed();
    this.#chapter = "judged";
    await this.#judge();
  }

  /** In the quiet no batch comes that would put right what goes by the clock. */
  #setClock(): void {
    if (this.#world.plan.isDay) this.#clock.set();
  }

  /** A clock that is set while something is done, and nothing else goes wrong, shows who waits by it. */
  async #jolt(): Promise<void> {
    const { plan, random, scheduler } = this.#world;
    if (!plan.isDay) return;
    const sender = new Sender(this.#world, this.#ledger, this.#events);
    const setting = scheduler.sleep(random.int(2000)).then(() => this.#clock.setFar());
    await Promise.all([sender.burst(5), this.#editor.change(), setting]);
  }

  async #judge(): Promise<void> {
    const { server, findings } = this.#world;
    if (server === undefined) throw new Error("the server died of nothing");
    const witnesses = {
      server,
      wall: this.#world.wall,
      ledger: this.#ledger,
      editor: this.#editor,
      watchers: this.#watchers,
      exactWatchers: this.#exactWatchers,
    };
    findings.push(...(await judge(witnesses)));
    this.judgements += 1;
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
