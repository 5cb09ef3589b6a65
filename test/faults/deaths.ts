import { setTimeout as pause } from "node:timers/promises";
import { engineOf } from "../support/processes.ts";
import type { Random } from "../support/random.ts";
import { type Trace, trace } from "../support/strace.ts";
import type { Point, Traced } from "../support/trace-text.ts";
import { faultRules } from "./fault-events.ts";
import type { Stage } from "./stage.ts";
import { Points, serverFiles, writingCalls } from "./syscalls.ts";

/** Who dies: the server as a whole, the engine child alone, or both as the engine comes to the point. */
export type Kind = "server" | "engine" | "engine and all";
type Target = "server" | "engine";

const lifeMs = 400;
/** A point that does not come by then is given up. */
const comesWithinMs = 5_000;

/** The life of the server ends with its draining; a start is one with a death to recover from. */
export type Lives = ReadonlyMap<`${Target} ${"life" | "start"}`, Points>;

/** Kills at system calls, one after the other on one data folder, and judges by the ledger after each. */
export class Deaths {
  readonly #stage: Stage;
  #isRunning = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Makes the rules. */
  async begin(): Promise<void> {
    await this.#stage.start();
    await this.#stage.putRules(faultRules);
    this.#isRunning = true;
  }

  /** Counts the calls of starts and lives without a kill. */
  async count(random: Random): Promise<Lives> {
    await this.#stage.server.killGroup();
    const serverStart = new Points(await this.#start("server"), this.#stage.dataDir, 1, random);
    const serverLife = new Points(await this.#serverLife(), this.#stage.dataDir, 1, random);
    const engineStart = new Points(await this.#start("engine"), this.#stage.dataDir, 1, random);
    const engineLife = await this.#countedEngineLife(random);
    return new Map([
      ["server start", serverStart],
      ["server life", serverLife],
      ["engine start", engineStart],
      ["engine life", engineLife],
    ]);
  }

  /** A busy machine lets the engine write little in so short a life: then it is given longer. */
  async #countedEngineLife(random: Random): Promise<Points> {
    for (let ms = lifeMs; ; ms *= 2) {
      const points = new Points(await this.#engineLife("engine", ms), this.#stage.dataDir, 6, random);
      if (!points.isEmpty || ms > comesWithinMs) return points;
    }
  }

  /**
   * One death, with `again` a second one while the first is recovered from, and the judgement of what is there afterwards.
   * @returns the call at which it died last; undefined when a point did not come.
   */
  async one(lives: Lives, kind: Kind, again: boolean): Promise<string | undefined> {
    const target = kind === "server" ? "server" : "engine";
    const first = lives.get(`${target} life`)!.next();
    const second = again ? lives.get(`${target} start`)!.next() : undefined;
    const died: (string | undefined)[] = [];
    try {
      died.push(await this.#die(kind, first));
      if (second) died.push(await this.#dieAgain(kind, second));
      await this.#recover();
    } catch (error) {
      const points = [first, ...(second ? [second] : [])].map(({ call, nth }) => `${call} #${nth}`);
      throw new Error(`after a kill of ${kind} at ${points.join(" and then ")}: ${died.join("; ")}`, { cause: error });
    }
    return died.every((at) => at !== undefined) ? (second ?? first).call : undefined;
  }

  async #die(kind: Kind, point: Point): Promise<string | undefined> {
    const traced = await (kind === "server" ? this.#serverLife(point) : this.#engineLife(kind, comesWithinMs, point));
    return this.#ofOurs(traced);
  }

  async #dieAgain(kind: Kind, point: Point): Promise<string | undefined> {
    if (kind !== "engine") return this.#ofOurs(await this.#start(kind === "server" ? "server" : "engine", point));
    const watching = await this.#watch("engine", this.#stage.server.pid, point);
    await Promise.race([watching.ended, this.#ready()]);
    return this.#ofOurs(await watching.detach());
  }

  async #ready(): Promise<void> {
    while (!(await fetch(`${this.#stage.server.queryUrl}/ready`)).ok) await pause(50);
  }

  /** Where it was killed, when that was a call on a file of the data folder. */
  #ofOurs({ killedAt }: Traced): string | undefined {
    return killedAt?.includes(this.#stage.dataDir) === true ? killedAt : undefined;
  }

  async #recover(): Promise<void> {
    if (!this.#isRunning) await this.#stage.start();
    this.#isRunning = true;
    await this.#stage.senders.sendAgain(this.#stage.server.ingestUrl);
    await this.#stage.verify(faultRules);
  }

  /** Starts the server, watched from its first moment on; it may die of that. */
  async #start(target: Target, point?: Point): Promise<Traced> {
    const watching = Promise.withResolvers<Trace>();
    const spawned = (pid: number): void => void this.#watch(target, pid, point).then(watching.resolve, watching.reject);
    const failure = await this.#stage.start({ spawned }).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#isRunning = failure === undefined;
    const traced = await (await watching.promise).detach();
    if (failure !== undefined && traced.killedAt === undefined) throw failure;
    return traced;
  }

  /** Under load for a while, then told to stop, which it does or dies of. */
  async #serverLife(point?: Point): Promise<Traced> {
    const { server, senders } = this.#stage;
    const watching = await this.#watch("server", server.pid, point);
    senders.start(server.ingestUrl);
    await Promise.race([watching.ended, pause(lifeMs)]);
    await server.terminate();
    await senders.stop();
    await server.killGroup();
    this.#isRunning = false;
    return watching.ended;
  }

  async #engineLife(kind: Exclude<Kind, "server">, forMs: number, point?: Point): Promise<Traced> {
    const { server, senders } = this.#stage;
    const watching = await this.#watch("engine", server.pid, point);
    senders.start(server.ingestUrl);
    await Promise.race([watching.ended, pause(forMs)]);
    if (kind === "engine and all") await server.killGroup();
    this.#isRunning = kind === "engine";
    const traced = await watching.detach();
    await senders.stop();
    return traced;
  }

  async #watch(target: Target, serverPid: number, point?: Point): Promise<Trace> {
    const options = { calls: writingCalls, ...(point === undefined ? {} : { killAt: point }) };
    if (target === "engine") return trace({ ...options, pid: await engineOf(serverPid) });
    return trace({ ...options, pid: serverPid, files: serverFiles(this.#stage.dataDir) });
  }
}
