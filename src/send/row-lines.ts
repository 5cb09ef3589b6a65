/** Lines of rows of CSV, by those that the parser tells: in which a row ends, where it takes a CRLF within a cell for two line ends. */
export class RowLines {
  /** In which the last row ended. */
  #end = 0;
  /** How many the parser has counted too many. */
  #excess = 0;

  get end(): number {
    return this.#end;
  }

  /** Of a line behind the last row, as the parser tells it. */
  trueOf(told: number): number {
    return told - this.#excess;
  }

  /** The line in which the next row begins, from 1. */
  startOf(record: readonly string[], toldEnd: number): number {
    const isOneLine = this.trueOf(toldEnd) === this.#end + 1;
    const ends = isOneLine ? [] : record.flatMap((cell) => cell.match(/\r\n|\n|\r/g) ?? []);
    this.#excess += ends.filter((end) => end === "\r\n").length;
    this.#end = this.trueOf(toldEnd);
    return this.#end - ends.length;
  }
}
