import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
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

/** A FerretDB of the test's own, on a port of the system's choice and a temporary folder; with more arguments, if given. */
export async function startMongo(more: readonly string[] = []): Promise<MongoServer> {
  const program = ferretDb();
  const folder = await mkdtemp(join(tmpdir(), "weir-mongo-"));
  const port = await freePort();
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
  await start();
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

/** It can't be asked for a port of the system's choice and tell which it is. Nobody gets this one again at once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilAnswering(port: number, child: ChildProcess, output: string): Promise<void> {
  const end = performance.now() + 60_000;
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
