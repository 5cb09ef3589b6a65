import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../../lib/clock.ts";
import { compiledBefore } from "../../../lib/compiled-before.ts";
import { WeirError } from "../../../lib/errors.ts";
import { allocator } from "./memory.ts";
import type { FromChild, ToChild } from "./messages.ts";

const startMs = 120_000;

/** An engine that has not stopped by then is killed, which it survives; left alone it would keep its folder from the next one. */
const stopMs = 3_000;

const childPath = fileURLToPath(new URL("./child.ts", import.meta.url));
const saidLinesMax = 20;
/**
 * Of what its JavaScript has just made; MiB, and twice as much is taken. By itself Node lets it grow to 64 MiB over the hours, and
 * keeps all of it, for a few objects of each request: see docs/decisions/0041-what-an-engine-keeps.md.
 */
const youngMiBMax = 4;

/** One child process, from its start to its end. */
export class Child {
  readonly #process: ChildProcess;
  /** The last lines of its error output. */
  readonly said: string[] = [];
  readonly ended: Promise<string>;
  pingsOwed = 0;

  constructor(workFolder: string) {
    // No secrets in environment or arguments; UTC, so that no time zone of the machine shows in a result.
    const env = { UV_THREADPOOL_SIZE: "24", TZ: "UTC", JE_MALLOC_CONF: allocator, ...compiledBefore() };
    this.#process = fork(childPath, [], {
      cwd: workFolder,
      env,
      execArgv: [`--max-semi-space-size=${youngMiBMax}`],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    yieldToServer(this.#process.pid);
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(`not started: ${error.message}`));
      this.#process.once("close", (code, signal) => resolve(signal ? `signal ${signal}` : `exit ${code}`));
    });
    this.#keepLines(this.#process.stdout);
    this.#keepLines(this.#process.stderr);
    this.#process.on("message", (message: FromChild) => {
      if (message.type === "pong") this.pingsOwed = 0;
    });
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  /** Resolves when it listens. Throws `data_dir_in_use` or `store_unavailable`, and then the process is gone. */
  async start(message: ToChild, clock: Clock): Promise<Extract<FromChild, { type: "ready" }>> {
    const late = new AbortController();
    const answer = new Promise<FromChild>((resolve) => {
      this.#process.on("message", (said: FromChild) => said.type !== "pong" && resolve(said));
    });
    const ended = this.ended.then((how): FromChild => ({ type: "failed", reason: how }));
    const timeout = clock.sleep(startMs, late.signal).then((): FromChild => ({ type: "failed", reason: "no answer" }));
    this.#send(message);
    const first = await Promise.race([answer, ended, timeout]);
    late.abort();
    if (first.type === "ready") return first;
    this.kill();
    await this.ended;
    throw notStarted(first.type === "failed" ? first.reason : first.type, this.said);
  }

  ping(): void {
    this.pingsOwed++;
    this.#send({ type: "ping" });
  }

  roomTurned(isLow: boolean): void {
    if (isLow) this.kill();
    else this.#send({ type: "merge" });
  }

  async stop(clock: Clock): Promise<void> {
    const late = new AbortController();
    this.#send({ type: "stop" });
    void clock.sleep(stopMs, late.signal).then(() => !late.signal.aborted && this.kill());
    await this.ended;
    late.abort();
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #send(message: ToChild): void {
    // A child that is gone is noticed by its end; that it can't be told anything is no news.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #keepLines(output: Readable | null): void {
    if (!output) return;
    createInterface({ input: output }).on("line", (line) => {
      this.said.push(line.slice(0, 500));
      if (this.said.length > saidLinesMax) this.said.shift();
    });
  }
}

function notStarted(reason: string, said: readonly string[]): WeirError {
  if (said.some((line) => line.includes("Cannot lock file"))) {
    return new WeirError("data_dir_in_use", "another process has the engine's data folder open", { details: said });
  }
  if (said.some((line) => /Cannot find (?:package|module) '@?chdb/.test(line))) {
    const instead = "name a ClickHouse server by --clickhouse-url, or take an image or an installation that has it";
    return new WeirError("store_unfit", `the embedded engine is not installed here; ${instead}`, { details: said });
  }
  return new WeirError("store_unavailable", `the embedded engine did not start: ${reason}`, {
    canRetry: true,
    details: said,
  });
}

/** When there is more to do than processors, acknowledging goes before counting: what is acknowledged waits in the log. */
function yieldToServer(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, 15);
  } catch {
    // It has ended already, or the system does not allow it; it runs all the same.
  }
}
