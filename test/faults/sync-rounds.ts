import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../support/random.ts";
import type { Trace } from "../support/strace.ts";
import type { Made } from "../support/trace-text.ts";
import { faultRules } from "./fault-events.ts";
import type { Stage } from "./stage.ts";
import { type Acknowledgements, failureOfLog, logFiles, mustEnd, type SyncFault, troubleSyncs } from "./syncs.ts";
import { serverFiles } from "./syscalls.ts";

const moments = ["life", "start", "drain"] as const;

export interface Round {
  readonly moment: (typeof moments)[number];
  readonly fault: SyncFault;
  /** For how long there is load. */
  readonly loadMs: number;
  /** Everything is killed behind that. */
  readonly isKilled: boolean;
}

/** Moments take turns, all else is drawn. */
export function anyRound(random: Random, dataDir: string, nth: number): Round {
  const moment = moments[nth % moments.length]!;
  const log = logFiles(dataDir);
  const files = random.pick([log, log, [random.pick(log)], serverFiles(dataDir)]);
  // A start and a drain make few of them, and so does a file alone that is not the one that is committed to.
  const first = 1 + random.int(files.length === 1 ? 1 : moment === "life" ? 20 : 4);
  const when = `${first}${random.pick(["", "+", "+2", "+5"])}`;
  const kind = random.pick([{ error: "EIO" }, { error: "EIO" }, { error: "ENOSPC" }, null] as const);
  const fault = { files, when, ...(kind ?? { delayMs: 10 + random.int(1_990) }) };
  return { moment, fault, loadMs: 200 + random.int(1_500), isKilled: random.chance(0.3) };
}

/** Troubles syncs, one time after the other on one data folder, and judges by the ledger after each. */
export class SyncRounds {
  readonly #stage: Stage;
  readonly #acknowledged: Acknowledgements;

  constructor(stage: Stage, acknowledged: Acknowledgements) {
    this.#stage = stage;
    this.#acknowledged = acknowledged;
  }

  /** Makes the rules. */
  async begin(): Promise<void> {
    await this.#stage.start();
    await this.#stage.putRules(faultRules);
  }

  /** @returns what was done, and what came of it. */
  async one(round: Round): Promise<string> {
    this.#acknowledged.forget();
    const { moment, fault } = round;
    const what = `${moment}, ${fault.error ?? `${fault.delayMs} ms`} at ${fault.when} of ${fault.files.length} files`;
    try {
      const made = await this.#play[moment](round);
      if (await this.#hasEnded()) await this.#stage.start();
      await this.#stage.senders.sendAgain(this.#stage.server.ingestUrl);
      await this.#stage.verify(faultRules);
      return `${what}: ${made.filter(({ refused }) => refused).length} of ${made.length} failed`;
    } catch (error) {
      throw new Error(`after trouble with syncs: ${what}, killed: ${round.isKilled}: ${String(error)}`, {
        cause: error,
      });
    }
  }

  readonly #play: Readonly<Record<Round["moment"], (round: Round) => Promise<readonly Made[]>>> = {
    life: async ({ fault, ...round }) => this.#live(await troubleSyncs(this.#stage.server.pid, fault), round),
    start: async ({ fault, ...round }) => {
      await this.#end();
      const tracing = Promise.withResolvers<Trace>();
      const spawned = (pid: number): void => void troubleSyncs(pid, fault).then(tracing.resolve, tracing.reject);
      const isReady = await this.#stage.start({ spawned }).then(() => true, endedByItself);
      return isReady ? this.#live(await tracing.promise, round) : (await (await tracing.promise).ended).made;
    },
    drain: async ({ fault, loadMs }) => {
      const { server, senders } = this.#stage;
      senders.start(server.ingestUrl);
      await pause(loadMs);
      this.#acknowledged.forget();
      const tracing = await troubleSyncs(server.pid, fault);
      const { signal } = await server.terminate();
      await senders.stop();
      assert.equal(signal, null);
      return (await tracing.ended).made;
    },
  };

  /** Under load for a while. Whoever had a sync of the log fail has to end of it. */
  async #live(tracing: Trace, { loadMs, isKilled }: Pick<Round, "loadMs" | "isKilled">): Promise<readonly Made[]> {
    const { server, senders } = this.#stage;
    senders.start(server.ingestUrl);
    await Promise.race([tracing.ended, pause(loadMs)]);
    const hasEnded = await this.#hasEnded();
    if (isKilled) await server.killGroup();
    // Before: what is acknowledged afterwards has its syncs behind our back.
    await senders.stop();
    const { made } = await (isKilled || hasEnded ? tracing.ended : tracing.detach());
    if (!isKilled && failureOfLog(made) !== undefined) await mustEnd(server);
    this.#acknowledged.check(made);
    return made;
  }

  async #end(): Promise<void> {
    await this.#stage.server.terminate();
  }

  #hasEnded(): Promise<boolean> {
    return Promise.race([this.#stage.server.exited.then(() => true), pause(0, false)]);
  }
}

/** Of what it could not make durable, and not of anything else. */
function endedByItself(error: unknown): false {
  assert.match(
    String(error),
    /ended before it was ready \(code 1, signal null\)[^]*"(log_failed|registry_unavailable)"/,
  );
  return false;
}
