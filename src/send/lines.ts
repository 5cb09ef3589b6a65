import { isUtf8 } from "node:buffer";
import { CommandError } from "../commands/rule-files.ts";

/** A row may be larger than an event, whose columns are not all taken. */
export const rowBytesMax = 8 * 2 ** 20;

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** It is not UTF-8, and the text not what it says. */
  readonly isBroken: boolean;
}

/** The lines of a stream, as many at a time as a piece of it ends. @throws CommandError for one that is too long. */
export async function* linesOf(file: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let number = 1;
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(10) + 1;
    if (end > 0) {
      const lines = split(Buffer.concat([...begun, piece.subarray(0, end - 1)]), number);
      number += lines.length;
      begun = [];
      begunBytes = 0;
      yield lines;
    }
    if (end < piece.length) begun.push(piece.subarray(end));
    begunBytes += piece.length - end;
    if (begunBytes > rowBytesMax) throw tooLong(file, number);
  }
  if (begunBytes > 0) yield split(Buffer.concat(begun), number);
}

export const tooLong = (file: string, line: number): CommandError =>
  new CommandError(
    `${file}:${line}: a row of more than ${rowBytesMax / 2 ** 20} MiB; is it of the format that was said?`,
  );

function split(bytes: Buffer, first: number): Line[] {
  const isWhole = isUtf8(bytes);
  return bytes
    .toString()
    .split("\n")
    .map((text, index) => ({ text, number: first + index, isBroken: !isWhole && text.includes("\uFFFD") }));
}
