import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { keptPorts } from "../kept-ports.ts";
import { unlessMissing } from "../needs.ts";
import { ferretDb, readOutput, whyNoFerretDb } from "./ferretdb.ts";

/** A real MongoDB that is there already; what tests do to the server's process is left out then. */
export const givenUrl = process.env["WEIR_TEST_MONGO_URL"] ?? "";

/** For the options of a test that needs a server of MongoDB's protocol. */
export const withMongo = unlessMissing(givenUrl === "" ? whyNoFerretDb() : undefined);
/** For those of a test that kills and stops it. */
export const withOwnMongo =
  givenUrl === "" ? withMongo : { skip: "the server in WEIR_TEST_MONGO_URL is not ours to kill" };

export interface MongoServer {
  /** With a database that nobody else has. */
  readonly url: string;
  readonly port: number;
  /** kill -9; what it held is kept. */
  kill(): Promise<void>;
  /** Again, on the same port and folder. */
  start(): Promise<void>;
  /** SIGSTOP: it takes connections and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** For good: kills it, and removes its folder. */
  close(): Promise<void>;
}

/** A FerretDB of the test's own, on a free port and a temporary folder; with more arguments, if given. */
export async function startMongo(more: readonly string[] = []): Promise<MongoServer> {
  for (let attempt = 1; ; attempt++) {
    const server = await newMongo(more);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.close();
      // Another program may have been quicker to take the port.
      if (attempt === startsMax) throw error;
    }
  }
}

const startsMax = 3;

async function newMongo(more: readonly string[]): Promise<MongoServer> {
  const program = ferretDb();
  const folder = await mkdtemp(join(tmpdir(), "weir-mongo-"));
  // It can't be asked for a port of the system's choice and tell which it is.
  const [port = 0] = await keptPorts(1);
  const output = join(folder, "output");
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  };
  const start = async (): Promise<void> => {
    const log = openSync(output, "a");
    child = spawn(program, [...argumentsFor(folder, port), ...more], { stdio: ["ignore", log, log] });
    endsWithUs(child);
    await untilAnswering(port, child, output);
  };
  const signal = (name: NodeJS.Signals): void => void child?.kill(name);
  return {
    url: databaseUrl(`mongodb://127.0.0.1:${port}/`),
    port,
    kill,
    start,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same address with a database of its own. */
export function databaseUrl(url: string): string {
  const [head = "", query] = url.split("?");
  const server = head.replace(/(\/\/[^/]*)\/.*$/, "$1");
  return `${server}/weir_${randomUUID().slice(0, 8)}${query === undefined ? "" : `?${query}`}`;
}

function argumentsFor(folder: string, port: number): string[] {
  return [
    "--handler=sqlite",
    `--sqlite-url=file:${folder}/`,
    `--state-dir=${folder}`,
    `--listen-addr=127.0.0.1:${port}`,
    "--debug-addr=-",
    "--telemetry=disable",
    "--log-level=warn",
  ];
}

async function untilAnswering(port: number, child: ChildProcess, output: string): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await connects(port))) {
    if (child.exitCode !== null || performance.now() > end)
      throw new Error(`FerretDB does not start (code ${child.exitCode})\n${readOutput(output)}`);
    await pause(20);
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

function endsWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill("SIGKILL");
  const killAndEnd = (): void => (kill(), process.exit(1));
  process.once("exit", kill).once("SIGTERM", killAndEnd).once("SIGINT", killAndEnd);
  child.once("exit", () => void process.off("exit", kill).off("SIGTERM", killAndEnd).off("SIGINT", killAndEnd));
}
