import { closeSync, constants, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { WeirError } from "../../lib/errors.ts";

/**
 * What the witness has seen to be durable: the number of the last transaction and the offset behind its last event.
 *
 * SQLite ends its recovery at the first damaged frame of the write-ahead log and takes what lies before as the whole:
 * right for a torn tail, silent about a lost middle. So a second, tiny file says after every commit, before the answer
 * goes out, how far the log had come. It is written behind the commit and need not be synced for that: it may lag
 * after a power loss, but it never runs ahead of what was durable.
 */
export interface Witnessed {
  readonly transaction: number;
  readonly next: number;
}

const slotSize = 512;
const usedSize = 8 + 8 + 8 + 4;
const magic = 0x5765_6972_0000_0001n;

/** The file of two slots. */
export interface WitnessFile {
  /** Writes a slot, 0 or 1; durable once `sync` has returned. The bytes are the caller's again. */
  write(slot: number, bytes: Uint8Array): void;
  sync(): void;
  close(): void;
}

export function openWitnessFile(path: string): WitnessFile {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  return {
    write: (slot, bytes) => void writeSync(file, bytes, 0, slotSize, slot * slotSize),
    sync: () => fdatasyncSync(file),
    close: () => closeSync(file),
  };
}

/** Writes the two slots in turn, so that a torn write leaves the other one. */
export class Witness {
  readonly #file: WitnessFile;
  readonly #bytes = Buffer.alloc(slotSize);
  #dirty = false;

  constructor(file: WitnessFile) {
    this.#file = file;
  }

  write(seen: Witnessed): void {
    encode(this.#bytes, seen);
    this.#file.write(seen.transaction % 2, this.#bytes);
    this.#dirty = true;
  }

  sync(): void {
    if (this.#dirty) this.#file.sync();
    this.#dirty = false;
  }

  close(): void {
    this.#file.close();
  }
}

/**
 * What the witness of `path` saw last; undefined when there is no such file.
 * @throws WeirError `log_damaged` when no slot is whole.
 */
export function readWitness(path: string): Witnessed | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const seen = witnessedBy([bytes.subarray(0, slotSize), bytes.subarray(slotSize, 2 * slotSize)]);
  if (seen !== undefined) return seen;
  throw new WeirError(
    "log_damaged",
    `${path} is damaged, so it can't be told whether the log is whole; to start without that check, delete the file`,
  );
}

/** The newest of the slots that are whole. */
export function witnessedBy(slots: readonly Buffer[]): Witnessed | undefined {
  const whole = slots.map(decode).filter((slot) => slot !== undefined);
  return whole.sort((a, b) => b.transaction - a.transaction)[0];
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function encode(slot: Buffer, seen: Witnessed): void {
  slot.writeBigUInt64LE(magic, 0);
  slot.writeBigUInt64LE(BigInt(seen.transaction), 8);
  slot.writeBigUInt64LE(BigInt(seen.next), 16);
  slot.writeUInt32LE(crc32(slot.subarray(0, 24)), 24);
}

function decode(slot: Buffer): Witnessed | undefined {
  if (slot.length < usedSize || slot.readBigUInt64LE(0) !== magic) return undefined;
  if (crc32(slot.subarray(0, 24)) !== slot.readUInt32LE(24)) return undefined;
  return { transaction: Number(slot.readBigUInt64LE(8)), next: Number(slot.readBigUInt64LE(16)) };
}
