import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { root, typeScript } from "./built-client.ts";
import { openFaultyProxy } from "./faulty-proxy.ts";
import { serveOnLoopback } from "./loopback.ts";
import { openMovingAddress } from "./moving-address.ts";
import { seeded } from "./random.ts";

const program = "runtimes.fixture.js";
const asScript = ["--ignoreConfig", "--noCheck", "--noResolve", "--module", "esnext", "--target", "es2022"];
/** What is on its way to ingest goes wrong so often. */
const share = 0.3;
const patienceMs = 120_000;

/**
 * Has `command` (a runtime and its options) run `client/runtimes.fixture.ts` in a folder in which the package is installed, through
 * lines that fail to a server that has nothing of it yet.
 * @throws Error with what it wrote, when it fails, or does not end.
 */
export async function useClient(
  [runtime = "", ...options]: readonly string[],
  folder: string,
  server: { readonly ingestUrl: string; readonly queryUrl: string },
): Promise<void> {
  // The oldest Node that the client is for reads no types.
  await typeScript(join(root, "client/runtimes.fixture.ts"), ...asScript, "--outDir", folder);
  const faulty = await openFaultyProxy(server.ingestUrl, seeded(1));
  faulty.setShare(share);
  const query = await openMovingAddress(server.queryUrl);
  const cutter = await serveOnLoopback(async (_, answer) => (query.cut(), void answer.end()));
  const child = spawn(runtime, [...options, program, server.ingestUrl, faulty.url, query.url, cutter.url], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: patienceMs,
    killSignal: "SIGKILL",
  });
  try {
    const [[code], ...said] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
    const how = code === null ? `did not end within ${patienceMs / 1000} s` : `failed (code ${code})`;
    if (code !== 0) throw new Error(`${runtime} ${how}\n${said.join("")}`);
  } finally {
    await Promise.all([faulty, query, cutter].map((one) => one.close()));
  }
}
