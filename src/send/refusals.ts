import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync, writeFileSync } from "node:fs";
import type { Problem } from "../../client/src/weir.ts";
import { CommandError } from "../commands/rule-files.ts";
import { messageOf } from "../lib/errors.ts";
import { columnAt } from "./mapping.ts";
import type { Mapping } from "./mapping.ts";
import { problemText } from "./row.ts";
import type { Row, RowProblem } from "./row.ts";

const keptMax = 1000;

export interface RefusalsWish {
  readonly skipBad: string;
  /** The file that takes the rows. */
  readonly rejects: string | null;
  /** Rows before it are passed over; what the file has of them is kept. */
  readonly fromRow: number;
  readonly dryRun: string;
  /** That are read. */
  readonly files: readonly string[];
}

/** The rows that were not taken, with the reasons: the first of them, all of them in a file where that is wanted. */
export class Refusals {
  /** Others are sent all the same. */
  readonly skips: boolean;
  readonly #mapping: Mapping;
  /** Without the rows, which may be long. */
  readonly #kept: (Pick<Row, "file" | "number"> & { readonly lines: readonly string[] })[] = [];
  readonly #wish: RefusalsWish;
  readonly #path: string | null;
  #file: number | undefined;
  #count = 0;

  constructor(wish: RefusalsWish, mapping: Mapping) {
    this.skips = wish.skipBad === "yes" || wish.rejects !== null;
    this.#path = wish.dryRun === "yes" ? null : wish.rejects;
    this.#wish = wish;
    this.#mapping = mapping;
  }

  /** Makes the file, before a row is sent. @throws CommandError when that can't be, or it is one of those that are read. */
  open(): void {
    const path = this.#path;
    if (path === null) return;
    const { files, fromRow } = this.#wish;
    const place = placeOf(path);
    const same = files.find((file) => file !== "-" && place !== undefined && placeOf(file) === place);
    if (same !== undefined) throw new CommandError(`--rejects ${path} would write over ${same}, which is to be sent`);
    const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
    const flags = O_WRONLY | O_CREAT | O_APPEND | (fromRow > 1 ? 0 : O_TRUNC);
    this.#file = written(path, () => openSync(path, flags));
  }

  get count(): number {
    return this.#count;
  }

  /** @throws CommandError when the file can't be written. */
  add(row: Row, problems: readonly RowProblem[]): void {
    this.#count += 1;
    const { file, number } = row;
    if (this.#kept.length < keptMax)
      this.#kept.push({ file, number, lines: problems.map((problem) => problemText(row, problem)) });
    if (this.#path !== null && this.#file !== undefined) this.#write(this.#path, this.#file, row, problems);
  }

  /** What the server has against it. @throws CommandError as `add` */
  addOfServer(row: Row, problems: readonly Problem[]): void {
    const ofRow = problems.map((problem): RowProblem => {
      const { path, message } = problem;
      const value: unknown = "value" in problem ? problem.value : undefined;
      return {
        ...{ column: columnAt(this.#mapping, path), field: path },
        message: `${message}${this.#hint(message)}`,
        ...(value === undefined ? {} : { value }),
      };
    });
    this.add(row, ofRow);
  }

  /** What to do about columns that are no keys of an event. */
  #hint(message: string): string {
    const isOfPayload = !this.#mapping.isGiven && message.startsWith("is not a key of an event");
    return isOfPayload ? "; --map 'payload.*=rest' takes all others for the payload's" : "";
  }

  /** Every problem of the first rows, a line each. */
  first(rows: number): string[] {
    return this.#kept
      .toSorted((a, b) => (a.file === b.file ? a.number - b.number : 0))
      .slice(0, rows)
      .flatMap(({ lines }) => lines);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(path: string, handle: number, row: Row, problems: readonly RowProblem[]): void {
    const { file, line, number, values } = row;
    const text = `${JSON.stringify({ file, line, row: number, problems, values: values ?? null })}\n`;
    // At once, so that nothing waits in memory and all is there when it is stopped.
    written(path, () => writeWhole(handle, text));
  }
}

/** All of it or nothing: what is added later would else stand in one line with a piece. */
function writeWhole(handle: number, text: string): void {
  const facts = fstatSync(handle);
  try {
    writeFileSync(handle, text);
  } catch (error) {
    if (facts.isFile()) ftruncateSync(handle, facts.size);
    throw error;
  }
}

function written<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new CommandError(`${path} can't be written: ${messageOf(error)}`);
  }
}

/** Names a file that is there, whatever the path. */
function placeOf(path: string): string | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true ? `${facts.dev}:${facts.ino}` : undefined;
}
