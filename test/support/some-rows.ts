import type { Random } from "./random.ts";

/**
 * The first of the rows in RowBinary that an INSERT carries, at least one of them and not all; undefined where it carries none,
 * or only one.
 */
export function someRows(sql: string, rows: Buffer, random: Random): Buffer | undefined {
  const structure = /^INSERT INTO .* FROM input\('((?:[^'\\]|\\.)*)'\).* FORMAT RowBinary$/s.exec(sql)?.[1];
  const ends = structure === undefined ? [] : endsOf(typesOf(structure), rows);
  return ends.length < 2 ? undefined : rows.subarray(0, ends[random.int(ends.length - 1)]);
}

/** `a UInt8, b DateTime64(3, \'UTC\')`: the types, without what stands in brackets. */
const typesOf = (structure: string): string[] =>
  structure
    .replaceAll(/\(.*?\)/g, "")
    .split(", ")
    .map((column) => column.split(" ")[1]!);

const bytesOf: Readonly<Record<string, number>> = { UInt16: 2, UInt64: 8, Int64: 8, DateTime64: 8 };

/** Where each row ends. */
function endsOf(types: readonly string[], rows: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < rows.length; ends.push(at))
    at = types.reduce((from, type) => from + (type === "String" ? textBytes(rows, from) : bytesOf[type]!), at);
  return ends;
}

/** Of a text with the number of its bytes before it, seven bits a byte. */
function textBytes(rows: Buffer, at: number): number {
  let length = 0;
  for (let bytes = 0; ; bytes++) {
    const byte = rows[at + bytes]!;
    length += (byte & 127) * 2 ** (7 * bytes);
    if (byte < 128) return bytes + 1 + length;
  }
}
