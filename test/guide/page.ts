import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { rules } from "../support/api.ts";
import { endedInOrder, startServer } from "../support/server-process.ts";
import { type Step, executeAll, steps } from "./session.ts";

/**
 * The pages whose sessions are run. Those of a line follow each other on one server that begins with an empty folder, as a
 * reader may do: they have the same events, or ask only for their own.
 */
export const guide = [
  ["README.md", "docs/recipes.md"],
  ["docs/rules.md", "docs/metrics.md"],
  ["docs/filters.md"],
  ["docs/stats.md"],
  ["docs/changing-rules.md"],
  ["docs/quarantine.md"],
  ["docs/erasing.md"],
  ["docs/protocol.md"],
  ["docs/client.md", "docs/command-line.md"],
] as const;

const root = new URL("../../", import.meta.url);

export const pageFile = (page: string): URL => new URL(page, root);

/** A page's commands, and what each of them printed. */
export interface PageRun {
  readonly page: string;
  readonly session: readonly Step[];
  readonly printed: readonly string[];
}

/** Runs pages one after the other on one server, which has to end in order. */
export async function runPages(pages: readonly string[]): Promise<readonly PageRun[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-guide-"));
  const server = await startServer({ dataDir });
  try {
    const addresses = {
      "localhost:8000": new URL(server.ingestUrl).host,
      "localhost:8001": new URL(server.queryUrl).host,
    };
    const runs: PageRun[] = [];
    for (const page of pages) {
      const session = steps(await readFile(pageFile(page), "utf8"));
      runs.push({ page, session, printed: await executeAll(session, addresses, () => filled(server.queryUrl)) });
    }
    await endedInOrder(server);
    return runs;
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
}

const patienceMs = 120_000;

/** A reader takes longer to read on than small fills take. */
async function filled(queryUrl: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (await isFilling(queryUrl)) {
    if (performance.now() > deadline) throw new Error(`a rule is not filled after ${patienceMs} ms`);
    await sleep(20);
  }
}

async function isFilling(queryUrl: string): Promise<boolean> {
  return (await rules(queryUrl)).some(({ state }) => state === "filling");
}
