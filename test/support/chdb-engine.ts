import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session } from "chdb";
import type { Statement } from "../../src/rollup/statement.ts";

/** The engine inside this process, for tests of the compiler's SQL alone: no child, no protocol. One in a process. */
export interface BareEngine {
  run(statement: Statement): Promise<void>;
  rows<Row>(statement: Statement): Promise<Row[]>;
  insert(table: string, rows: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens an engine on a folder of its own. `settings` are in force for every statement. */
export async function openBareEngine(settings: Readonly<Record<string, string | number>> = {}): Promise<BareEngine> {
  const folder = await mkdtemp(join(tmpdir(), "weir-engine-"));
  const session = new Session(folder);
  for (const [name, value] of Object.entries(settings)) await session.queryAsync(`SET ${name} = ${value}`);
  const rows = async <Row>({ sql, parameters }: Statement): Promise<Row[]> => {
    const result = await session.queryBindAsync(sql, { ...parameters }, { format: "JSONEachRow" });
    return result.text().split("\n").filter((line) => line !== "").map((line): Row => JSON.parse(line));
  };
  return {
    rows,
    run: async (statement) => void (await rows(statement)),
    insert: async (table, values) => {
      const text = values.map((value) => JSON.stringify(value)).join("\n");
      if (text !== "") await session.insert({ table, values: Buffer.from(text), format: "JSONEachRow" });
    },
    close: async () => {
      session.cleanup();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
