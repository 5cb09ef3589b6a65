import { quote } from "./scan-bytes.ts";

export const idKey = 1;
export const typeKey = 2;
export const userKey = 3;
export const timestampKey = 4;
export const payloadKey = 5;
export const keyLengths = ["", "event_id", "event_type", "user_id", "timestamp", "payload"].map((name) => name.length);

/** Four characters as the number that `DataView` reads, little endian. */
const word = (text: string): number => Buffer.from(text).readUInt32LE(0);
const even = word("even");
const tId = word("t_id");
const tTy = word("t_ty");
const user = word("user");
const idQuote = word('_id"');
const time = word("time");
const stam = word("stam");
const payl = word("payl");
const oadQuote = word('oad"');
const peQuote = word('pe"\0');
const pQuote = Buffer.from('p"').readUInt16LE(0);

/** Which top-level key stands at `at`, behind its quote; 0: none that is known, or too near to `end`, the end of the input. */
export function keyAt(view: DataView, at: number, end: number): number {
  if (at + 12 > end) return 0;
  const first = view.getUint32(at, true);
  const second = view.getUint32(at + 4, true);
  if (first === even) {
    if (second === tId) return view.getUint8(at + 8) === quote ? idKey : 0;
    return second === tTy && (view.getUint32(at + 8, true) & 0xff_ff_ff) === peQuote ? typeKey : 0;
  }
  if (first === user) return second === idQuote ? userKey : 0;
  if (first === time) return second === stam && view.getUint16(at + 8, true) === pQuote ? timestampKey : 0;
  return first === payl && second === oadQuote ? payloadKey : 0;
}
