import { closeSync, openSync, writeSync } from "node:fs";
import type { Problem } from "../../client/src/weir.ts";
import { CommandError } from "../commands/rule-files.ts";
import { columnAt } from "./mapping.ts";
import type { Mapping } from "./mapping.ts";
import { problemText } from "./row.ts";
import type { Row, RowProblem } from "./row.ts";

const keptMax = 1000;

export interface RefusalsWish {
  readonly skipBad: string;
  /** The file that takes the rows. */
  readonly rejects: string | null;
}

/** The rows that were not taken, with the reasons: the first of them, all of them in a file where that is wanted. */
export class Refusals {
  /** Others are sent all the same. */
  readonly skips: boolean;
  readonly #mapping: Mapping;
  readonly #kept: { readonly row: Row; readonly problems: readonly RowProblem[] }[] = [];
  readonly #path: string | null;
  #file: number | undefined;
  #count = 0;

  constructor({ skipBad, rejects }: RefusalsWish, mapping: Mapping) {
    this.skips = skipBad === "yes" || rejects !== null;
    this.#path = rejects;
    this.#mapping = mapping;
  }

  get count(): number {
    return this.#count;
  }

  /** @throws CommandError when the file can't be written. */
  add(row: Row, problems: readonly RowProblem[]): void {
    this.#count += 1;
    if (this.#kept.length < keptMax) this.#kept.push({ row, problems });
    if (this.#path !== null) this.#write(this.#path, row, problems);
  }

  /** What the server has against it. @throws CommandError as `add` */
  addOfServer(row: Row, problems: readonly Problem[]): void {
    const ofRow = problems.map((problem): RowProblem => {
      const { path, message } = problem;
      const value: unknown = "value" in problem ? problem.value : undefined;
      return { column: columnAt(this.#mapping, path), field: path, message, ...(value === undefined ? {} : { value }) };
    });
    this.add(row, ofRow);
  }

  /** Every problem of the first rows, a line each. */
  first(rows: number): string[] {
    return this.#kept
      .toSorted((a, b) => (a.row.file === b.row.file ? a.row.number - b.row.number : 0))
      .slice(0, rows)
      .flatMap(({ row, problems }) => problems.map((problem) => problemText(row, problem)));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(path: string, { file, line, number, values }: Row, problems: readonly RowProblem[]): void {
    try {
      // At once, so that nothing waits in memory and all is there when it is stopped.
      this.#file ??= openSync(path, "w");
      writeSync(this.#file, `${JSON.stringify({ file, line, row: number, problems, values: values ?? null })}\n`);
    } catch (error) {
      throw new CommandError(`${path} can't be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
