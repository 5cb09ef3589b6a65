import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/lib/clock.ts";
import { ClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import { startEngine } from "../../src/store/clickhouse/engine/engine.ts";
import { connectionTo } from "../support/embedded-engine.ts";
import { type ServerProcess, withoutOurs } from "../support/server-process.ts";
import { repeated } from "../support/api.ts";

/** Changes the tables of a stopped server's data folder, which is made if it is not there. */
export async function alterTables(dataDir: string, statements: readonly string[]): Promise<void> {
  const engine = await startEngine({ dataDir, clock: systemClock });
  const connection = connectionTo(engine, () => engine.url(), "weir", 60_000);
  const store = new ClickHouseStore({ connection, clock: systemClock });
  try {
    await store.open(new AbortController().signal);
    for (const sql of statements) await connection.write({ sql, parameters: {} });
  } finally {
    await store.close();
    await engine.stop();
  }
}

/** The real engine refuses real rows: those of events whose id says so. Of the second kind it does not say which row it is. */
export const takePoison = [
  "ALTER TABLE raw_events ADD CONSTRAINT no_poison CHECK NOT startsWith(event_id, 'poison')",
  "ALTER TABLE raw_events ADD CONSTRAINT no_nameless CHECK throwIf(startsWith(event_id, 'nameless')) = 0",
];
export const leavePoison = ["no_poison", "no_nameless"].map((name) => `ALTER TABLE raw_events DROP CONSTRAINT ${name}`);
/** By how the ids of those begin that are refused so. */
export const reasons = {
  poison: "the engine refused it: violated constraint, code 469",
  nameless: "the engine refused it: function throw if value is non zero, code 395",
};

export type RejectRow = Readonly<Record<string, unknown>>;

export async function rejects(queryUrl: string): Promise<readonly RejectRow[]> {
  const rows: RejectRow[] = [];
  let cursor = "";
  for (;;) {
    const answer = await repeated(`${queryUrl}/rejects?limit=7${cursor}`);
    const page = (await answer.json()) as { data: RejectRow[]; next_cursor?: string };
    rows.push(...page.data);
    if (page.next_cursor === undefined) return rows;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
}

/** Runs `weir rejects …` against a server. */
export function runRejects(server: ServerProcess, action: string, failpoint = ""): Promise<Ended> {
  const ports = ["--ingest-port", new URL(server.ingestUrl).port, "--query-port", new URL(server.queryUrl).port];
  const env = { ...withoutOurs(process.env), WEIR_FAILPOINT: failpoint };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, "rejects", action, ...ports], { timeout: 300_000, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), signal: error?.signal ?? null, out: out + err }),
    );
  });
}

/** A number of `/metrics`. */
export async function numberOf(queryUrl: string, metric: string): Promise<number> {
  const text = await (await fetch(`${queryUrl}/metrics`)).text();
  return Number(new RegExp(`^${metric} (.*)$`, "m").exec(text)?.[1]);
}
