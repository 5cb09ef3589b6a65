import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { totalmem } from "node:os";
import { resolve } from "node:path";
import type { Clock } from "../../../lib/clock.ts";
import { freeBytesOf } from "../../../lib/disk.ts";
import { WeirError } from "../../../lib/errors.ts";
import { Child } from "./child-process.ts";
import { writeConfig } from "./config-file.ts";
import { engineFolders } from "./folders.ts";
import { restartDelayMs, startsInARow } from "./restart-delay.ts";
import { Room } from "./room.ts";
import type { Access } from "./settings.ts";

export interface EngineOptions {
  /** The engine keeps `engine`, `engine-work` and `engine.xml` in it. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Makes the two secrets, texts of at least 128 random bits. Default: from the system's randomness. */
  readonly newSecret?: () => string;
  readonly log?: (level: "info" | "warn" | "error", message: string, facts: Record<string, unknown>) => void;
  /** A port for users' tools: read-only, without a secret, on the loopback; 0 for any. Default null: none. */
  readonly readonlyPort?: number | null;
  /** Bytes that the engine may take in all. Default: half of the machine's memory. */
  readonly memoryMax?: number;
  /** For how long another process may hold the folder before the start gives up. Default 15 s. */
  readonly lockWaitMs?: number;
  /**
   * How often the engine is asked for a sign of life, how many it may owe before nobody should wait for it any more, and how
   * many before it is killed. Default 1 s, 5, 30.
   */
  readonly pingMs?: number;
  readonly pingsSilentMax?: number;
  readonly pingsMissedMax?: number;
  /** What the disk of `dataDir` has left, bytes. Default: asks the system. */
  readonly freeBytes?: () => number;
}

export interface EngineState {
  readonly up: boolean;
  /** Its disk is so full that it must not be told to write. */
  readonly isLowOnDisk: boolean;
  /** It is up, and gives signs of life. */
  readonly answering: boolean;
  readonly restarts: number;
  readonly pid: number | null;
  /** How the last child ended, e.g. `exit 1` or `signal SIGKILL`. */
  readonly lastExit: string | null;
}

export interface Engine {
  /** Where the engine listens, or did last: it comes back at the same address as long as nobody takes its port. */
  url(): string;
  /** The address for users' tools; null when there is none. */
  readonlyUrl(): string | null;
  /** May do everything. */
  readonly username: string;
  readonly password: string;
  /** May read, within limits. */
  readonly reader: { readonly username: string; readonly password: string };
  /** A folder of which the engine reads files by their bare name (for `username` alone), and which it empties when it starts. */
  readonly spoolFolder: string;
  /**
   * Asks the disk whether the engine may write. Who is told so before a write and not after it must take the write for one
   * in doubt: the engine does not notice that a disk is full, and is started anew to find out what is whole.
   */
  hasRoom(): boolean;
  /** Called each time the engine is there again after it was gone. */
  onRestart(listener: () => void): void;
  /** Called when it has stopped answering: what it was asked will not be answered soon, if at all. */
  onSilence(listener: () => void): void;
  state(): EngineState;
  /** Lets what is under way end (10 s), then ends the child, by force if need be. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded engine in a process of its own and resolves when it answers. From then on it is watched: when it
 * ends or hangs it is started again, with growing delays; what it had committed is there.
 *
 * Errors: WeirError `data_dir_in_use` when another process has the folder; `port_taken` when one has the port for tools;
 * `store_unavailable` when it does not start.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const engine = new WatchedEngine(options);
  await engine.start();
  return engine;
}

const lookMs = 100;
class WatchedEngine implements Engine {
  readonly username = "weir";
  readonly password: string;
  readonly reader: { readonly username: string; readonly password: string };
  readonly spoolFolder: string;
  readonly #options: EngineOptions;
  readonly #restartListeners: (() => void)[] = [];
  readonly #silenceListeners: (() => void)[] = [];
  readonly #stopping = new AbortController();
  #child: Child | null = null;
  #port = 0;
  #readonlyPort: number | null;
  #restarts = 0;
  #lastExit: string | null = null;
  #watching: Promise<void> = Promise.resolve();
  readonly #room: Room;
  #stopLooking: () => void = () => {};

  constructor(options: EngineOptions) {
    // The child works in a folder of its own, where a relative path would mean something else.
    const dataDir = resolve(options.dataDir);
    this.#options = { ...options, dataDir };
    this.#room = new Room(options.freeBytes ?? (() => freeBytesOf(dataDir)));
    const { newSecret = () => randomBytes(32).toString("base64url") } = options;
    this.password = newSecret();
    this.reader = { username: "reader", password: newSecret() };
    this.spoolFolder = engineFolders(dataDir).spool;
    this.#readonlyPort = options.readonlyPort ?? null;
  }

  async start(): Promise<void> {
    await this.#prepareFolders();
    this.#look();
    await this.#startWhenFree();
    await this.#mustHaveToolsPort();
    this.#watching = this.#watch();
    this.#stopLooking = this.#options.clock.every(lookMs, () => this.#look());
  }

  /** The child takes another one, which nobody would find, where something else has it; this one is the user's to choose. */
  async #mustHaveToolsPort(): Promise<void> {
    const { readonlyPort: wanted = null, clock } = this.#options;
    if (wanted === null || wanted === 0 || this.#readonlyPort === wanted) return;
    this.#stopLooking();
    await this.#child?.stop(clock);
    const what = `port ${wanted} on 127.0.0.1 is in use by another program`;
    throw new WeirError("port_taken", `${what}; stop it, or choose another with --engine-readonly-port`);
  }

  readonly url = (): string => `http://127.0.0.1:${this.#port}`;

  readonlyUrl(): string | null {
    return this.#readonlyPort === null ? null : `http://127.0.0.1:${this.#readonlyPort}`;
  }

  onRestart(listener: () => void): void {
    this.#restartListeners.push(listener);
  }

  onSilence(listener: () => void): void {
    this.#silenceListeners.push(listener);
  }

  state(): EngineState {
    const up = this.#child !== null;
    const answering = this.#child !== null && this.#child.pingsOwed < this.#silentMax;
    const isLowOnDisk = this.#room.isLow;
    const pid = this.#child?.pid ?? null;
    return { up, answering, isLowOnDisk, restarts: this.#restarts, pid, lastExit: this.#lastExit };
  }

  hasRoom(): boolean {
    this.#look();
    return !this.#room.isLow;
  }

  get #silentMax(): number {
    return this.#options.pingsSilentMax ?? 5;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopLooking();
    await this.#child?.stop(this.#options.clock);
    await this.#watching;
  }

  #look(): void {
    const turn = this.#room.look();
    if (turn === undefined) return;
    const facts = { dataDir: this.#options.dataDir };
    if (turn === "rose") this.#log("info", "the disk has room again: the engine writes", facts);
    else
      this.#log("error", "the disk is full: the engine is started anew, and writes nothing until there is room", facts);
    this.#child?.roomTurned(this.#room.isLow);
  }

  /** Starts the child again each time it has ended, until `stop`. */
  async #watch(): Promise<void> {
    const { clock } = this.#options;
    let inARow = 0;
    while (this.#child) {
      const started = clock.monotonic();
      this.#lastExit = await this.#untilEnd(this.#child);
      this.#child = null;
      inARow = startsInARow(inARow, clock.monotonic() - started);
      while (this.#child === null && !this.#stopping.signal.aborted) {
        await clock.sleep(restartDelayMs(inARow++), this.#stopping.signal);
        if (!this.#stopping.signal.aborted) await this.#restart();
      }
    }
  }

  async #untilEnd(child: Child): Promise<string> {
    const { clock, pingMs = 1000, pingsMissedMax = 30 } = this.#options;
    const stopPings = clock.every(pingMs, () => {
      if (child.pingsOwed >= pingsMissedMax) {
        this.#log("error", "the engine does not answer and is killed", { pid: child.pid });
        child.kill();
      } else child.ping();
      if (child.pingsOwed === this.#silentMax) this.#silent(child);
    });
    const ending = await child.ended;
    stopPings();
    const level = this.#stopping.signal.aborted ? "info" : "error";
    this.#log(level, "the engine has ended", { pid: child.pid, how: ending, said: child.said });
    return ending;
  }

  #silent(child: Child): void {
    this.#log("warn", "the engine does not answer", { pid: child.pid });
    for (const listener of this.#silenceListeners) this.#tell(listener);
  }

  async #restart(): Promise<void> {
    try {
      await this.#prepareFolders();
      await this.#launch();
    } catch (error) {
      this.#log("error", "the engine could not be started again", { reason: String(error) });
      return;
    }
    // `stop` may have come meanwhile, and has seen no child.
    if (this.#stopping.signal.aborted) return void this.#child?.stop(this.#options.clock);
    this.#restarts++;
    for (const listener of this.#restartListeners) this.#tell(listener);
  }

  /** The watch goes on whatever a listener does. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#log("error", "a listener to the engine failed", { reason: String(error) });
    }
  }

  /** The child of a parent that was killed needs a moment to go; so a locked folder is tried for a while. */
  async #startWhenFree(): Promise<void> {
    const { clock, lockWaitMs = 15_000, dataDir } = this.#options;
    const end = clock.monotonic() + lockWaitMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#launch();
      } catch (error) {
        const locked = error instanceof WeirError && error.code === "data_dir_in_use";
        if (!locked || clock.monotonic() >= end) throw error;
        if (attempt === 0)
          this.#log("warn", "another process has the engine's folder; waiting for it to end", { dataDir });
        await clock.sleep(250);
      }
    }
  }

  async #launch(): Promise<void> {
    const { dataDir, clock, memoryMax = defaultMemoryMax() } = this.#options;
    const { data, configFile } = engineFolders(dataDir);
    const child = new Child(this.spoolFolder);
    const isLow = this.#room.isLow;
    const secrets: Record<Access, string> = { weir: this.password, reader: this.reader.password };
    const ready = await child.start(
      {
        type: "start",
        path: data,
        configFile,
        port: this.#port,
        readonlyPort: this.#readonlyPort,
        secrets,
        memoryMax,
        merges: !isLow,
      },
      clock,
    );
    this.#port = ready.port;
    this.#readonlyPort = ready.readonlyPort;
    this.#child = child;
    if (isLow !== this.#room.isLow) child.roomTurned(this.#room.isLow);
    this.#log("info", "the engine is ready", { pid: child.pid, url: this.url(), readonlyUrl: this.readonlyUrl() });
  }

  async #prepareFolders(): Promise<void> {
    const { dataDir, memoryMax = defaultMemoryMax() } = this.#options;
    await mkdir(dataDir, { recursive: true });
    await mkdir(this.spoolFolder, { recursive: true, mode: 0o700 });
    await writeConfig(engineFolders(dataDir).configFile, memoryMax);
  }

  #log(level: "info" | "warn" | "error", message: string, facts: Record<string, unknown>): void {
    this.#options.log?.(level, message, facts);
  }
}

const defaultMemoryMax = (): number => Math.floor(totalmem() / 2);
