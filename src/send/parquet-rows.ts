import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CommandError } from "../commands/rule-files.ts";
import { ndjsonRows } from "./json-rows.ts";
import type { Row } from "./row.ts";

const program = fileURLToPath(new URL("../store/clickhouse/engine/read-parquet.ts", import.meta.url));
const complaintMax = 2000;

/** Rows of a Parquet file, which the engine reads in a process of its own. @throws CommandError why it can't. */
export async function* parquetRows(
  file: string,
  path: string,
  counted: (rows: number) => void,
): AsyncGenerator<readonly Row[]> {
  // In a group of its own: a Ctrl-C of the terminal is not for it.
  const reader = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let complaint = "";
  reader.stderr.on("data", (piece: Buffer) => (complaint = (complaint + piece.toString()).slice(-complaintMax)));
  const ended = once(reader, "close");
  try {
    for await (const rows of ndjsonRows(file, headless(reader.stdout, counted)))
      yield rows.map((row) => ({ ...row, line: null }));
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new CommandError(`${file} can't be read as Parquet: ${reason(complaint)}`);
  } finally {
    // It ends at its next row then, and in order: killed, it would leave the engine's temporary folder behind.
    reader.stdout.destroy();
  }
}

/** Without the first line, which is the number of rows. */
async function* headless(pieces: AsyncIterable<Buffer>, counted: (rows: number) => void): AsyncGenerator<Buffer> {
  let head: string | undefined = "";
  for await (const piece of pieces) {
    if (head === undefined) yield piece;
    else {
      const end = piece.indexOf(10);
      head += piece.toString("latin1", 0, end < 0 ? piece.length : end);
      if (end < 0) continue;
      counted(Number(head));
      head = undefined;
      yield piece.subarray(end + 1);
    }
  }
}

/** The engine's own words, without the stack around them. */
const reason = (complaint: string): string =>
  /Cannot find (?:package|module) '@?chdb/.test(complaint)
    ? "the engine, which does that, is not installed here; send it from an installation that has it"
    : engineReason(complaint);

const engineReason = (complaint: string): string =>
  /(?:Error|Exception): (.+)/.exec(complaint)?.[1]?.slice(0, 300) ?? "it is damaged, or something else";
