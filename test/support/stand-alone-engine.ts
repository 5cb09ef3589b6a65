import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const fixture = fileURLToPath(new URL("./stand-alone-engine.fixture.ts", import.meta.url));

/** The embedded engine as a server of its own, for those that are told its address: it stands for a ClickHouse server. */
export interface StandAloneEngine {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** kill -9; resolves when it is there again, at the same address. */
  kill(): Promise<void>;
  /** Stops it in its tracks, and lets it go on. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** `settings`: further ones of a server, in XML. */
export async function startStandAloneEngine(settings?: string): Promise<StandAloneEngine> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-server-"));
  if (settings !== undefined) {
    await mkdir(join(dataDir, "conf.d"));
    await writeFile(join(dataDir, "conf.d", "further.xml"), settings);
  }
  const password = randomBytes(16).toString("hex");
  const parent = fork(fixture, [dataDir, password], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  let running = await told(parent);
  const close = async (): Promise<void> => {
    const ended = once(parent, "exit");
    parent.kill("SIGKILL");
    await ended;
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  return {
    url: running.url,
    username: "weir",
    password,
    kill: async () => {
      const back = told(parent);
      process.kill(running.pid, "SIGKILL");
      running = await back;
    },
    freeze: () => void process.kill(running.pid, "SIGSTOP"),
    thaw: () => void process.kill(running.pid, "SIGCONT"),
    close,
  };
}

interface Told {
  readonly url: string;
  readonly pid: number;
}

function told(parent: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    parent.once("message", (said: Told) => resolve(said));
    parent.once("exit", (code) => reject(new Error(`the engine ended with ${code}`)));
  });
}
