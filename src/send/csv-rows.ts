import { parse } from "csv-parse";
import { CommandError } from "../commands/rule-files.ts";
import { rowBytesMax, tooLong } from "./lines.ts";
import type { Row } from "./row.ts";
import { RowLines } from "./row-lines.ts";
import { Utf8Watch } from "./utf8.ts";

interface Parsed {
  readonly record: readonly string[];
  /** In which it begins, from 1. */
  readonly line: number;
}

/** Also of one file, in which programs of several systems have written. */
const lineEnds = ["\r\n", "\n", "\r"];

/**
 * Rows of CSV, whose first line names the columns. A row of more or fewer cells is one row's mistake; a quote in the wrong
 * place leaves open where rows end, and ends the reading.
 * @throws CommandError with the place.
 */
export async function* csvRows(
  file: string,
  pieces: AsyncIterable<Buffer>,
  delimiter: string,
  headed: (columns: readonly string[]) => void,
): AsyncGenerator<readonly Row[]> {
  let head: readonly string[] | undefined;
  let number = 0;
  const watch = new Utf8Watch();
  for await (const parsed of parsedPieces(file, watched(pieces, watch), delimiter)) {
    const rows: Row[] = [];
    for (const { record, line } of parsed) {
      if (head === undefined) headed((head = checked(file, record)));
      else {
        const isBroken = watch.isBroken && record.some((cell) => cell.includes("\uFFFD"));
        rows.push({ ...rowOf({ file, line, number: ++number }, head, record), isBroken });
      }
    }
    yield rows;
  }
}

function checked(file: string, head: readonly string[]): readonly string[] {
  const twice = head.find((name, index) => head.indexOf(name) !== index);
  if (twice !== undefined) throw new CommandError(`${file}:1: two columns are called ${JSON.stringify(twice)}`);
  return head;
}

function rowOf(place: Pick<Row, "file" | "line" | "number">, head: readonly string[], record: readonly string[]): Row {
  if (record.length !== head.length)
    return { ...place, values: undefined, problem: `has ${record.length} cells, and the first line ${head.length}` };
  const values: Record<string, string> = {};
  for (const [index, name] of head.entries())
    // A key by assignment, but for one that would set the object's prototype.
    if (name === "__proto__") Object.defineProperty(values, name, { value: record[index], enumerable: true });
    else values[name] = record[index]!;
  return { ...place, values };
}

async function* watched(pieces: AsyncIterable<Buffer>, watch: Utf8Watch): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    watch.see(piece);
    yield piece;
  }
  watch.end();
}

/** What ends a file within a row has begun in that row: the parser says where it ended. */
function failureOf(file: string, { message, code }: Error & { readonly code?: string }, lines: RowLines): CommandError {
  const line = lines.end + 1;
  if (code === "CSV_MAX_RECORD_SIZE") return tooLong(file, line);
  if (code === "CSV_QUOTE_NOT_CLOSED")
    return new CommandError(`${file}:${line}: a quote in the row that begins here is not closed`);
  return new CommandError(
    `${file}: ${message.replace(/(?<= at line )\d+/, (told) => String(lines.trueOf(Number(told))))}`,
  );
}

/** By writing and listening, piece by piece: a parser that is read by `for await` takes ten times as long. */
async function* parsedPieces(
  file: string,
  pieces: AsyncIterable<Buffer>,
  delimiter: string,
): AsyncGenerator<readonly Parsed[]> {
  const parser = parse({
    bom: true,
    info: true,
    delimiter,
    record_delimiter: lineEnds,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: rowBytesMax,
  });
  let parsed: Parsed[] = [];
  let failure: Error | undefined;
  let wake = (): void => {};
  parser.once("error", (error) => ((failure = error), wake()));
  parser.once("end", () => wake());
  // Not raced with one promise for the failure: that would keep something of every piece.
  const untilAwake = (begin: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failure === undefined) begin(resolve);
      else resolve();
    });
  const lines = new RowLines();
  parser.on("data", ({ record, info }: { record: readonly string[]; info: { lines: number } }) => {
    parsed.push({ record, line: lines.startOf(record, info.lines) });
  });
  const taken = function* () {
    // What stands before the mistake is good.
    if (parsed.length > 0) yield parsed;
    parsed = [];
    if (failure !== undefined) throw failureOf(file, failure, lines);
  };
  for await (const piece of pieces) {
    await untilAwake((done) => void parser.write(piece, () => done()));
    yield* taken();
  }
  await untilAwake(() => void parser.end());
  yield* taken();
}
