import { isUtf8 } from "node:buffer";
import { checkEventText } from "../../event/check.ts";
import { eventLimits } from "../../event/limits.ts";
import { PackedWriter, walkPacked } from "../../event/packed.ts";
import type { PackedEvents, PackedExtent } from "../../event/packed.ts";
import { EventScanner } from "../../event/scanner.ts";
import { behindSpace } from "../../event/slice.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Problem } from "../../lib/errors.ts";
import type { Unreadable } from "../log.ts";
import { slotsPerRecord } from "./slots.ts";

/**
 * What Weir writes: the header `weir-format` says `packed-1`, the value is
 *
 *     count    uint32, little endian, 1 … 16,384
 *     events   packed, as `event/packed.ts` has them
 *
 * docs/kafka.md describes it for others. A record without that header is a foreign one: one event as JSON.
 */
export const formatHeader = Buffer.from("weir-format");
export const packedFormat = Buffer.from("packed-1");
const headBytes = 4;

/** A record as the broker gives it. */
export interface RawRecord {
  readonly value: Buffer | null;
  /** What its header `weir-format` says; missing: it has none. */
  readonly format?: Buffer | null | undefined;
}

/** What a record holds: events, or the reason why not. */
export type Decoded = PackedEvents | Unreadable;

/** The value of a record of these chunks, in order. */
export function encodeValue(chunks: readonly PackedEvents[]): Buffer {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, headBytes);
  const value = Buffer.allocUnsafe(bytes);
  value.writeUInt32LE(chunks.reduce((sum, chunk) => sum + chunk.count, 0));
  let at = headBytes;
  for (const chunk of chunks) {
    value.set(chunk.bytes, at);
    at += chunk.bytes.length;
  }
  return value;
}

/** The text of an unreadable record that is kept for people. */
const textBytesMax = eventLimits.eventBytesMax;
/** JSON text of one event, with its white space and escapes, may be several times as long as its canonical form. */
const jsonBytesMax = 4 * eventLimits.eventBytesMax;

/** Reads records, one after the other, in memory of its own. */
export class Decoder {
  readonly #futureMaxMs: number;
  readonly #writer = new PackedWriter();
  readonly #scanner = new EventScanner(this.#writer);

  /** `futureMaxMs`: how far ahead of its record a foreign event may be. */
  constructor(futureMaxMs: number) {
    this.#futureMaxMs = futureMaxMs;
  }

  /**
   * @param appendedAt when the record came into the log, ms since the epoch; the same record is always judged the same.
   * @throws WeirError `log_damaged` for a format of a later Weir: its events must not be set aside.
   */
  decode(record: RawRecord, appendedAt: number): Decoded {
    const { format, value } = record;
    if (format === undefined) return this.#foreign(value, appendedAt);
    if (format?.equals(packedFormat)) return packed(value);
    throw new WeirError(
      "log_damaged",
      `it has the format ${format?.toString("utf8").slice(0, 40)}, which this version of Weir does not know; start the version that wrote it`,
    );
  }

  #foreign(value: Buffer | null, appendedAt: number): Decoded {
    if (value === null || value.length === 0)
      return { reason: "it has no value; expected one event as JSON", text: "" };
    if (value.length > jsonBytesMax)
      return unreadable(value, `it is ${value.length} bytes large; an event may have ${eventLimits.eventBytesMax}`);
    if (!isUtf8(value)) return unreadable(value, "it is not valid UTF-8");
    const rules = { timestampMax: appendedAt + this.#futureMaxMs };
    this.#writer.restart(value.length + 1024, jsonBytesMax);
    this.#scanner.use(value, rules);
    const end = this.#scanner.scan(behindSpace(value, 0));
    if (end >= 0 && behindSpace(value, end) === value.length) return this.#finish();
    this.#writer.restart(value.length + 1024, jsonBytesMax);
    return this.#thorough(value, rules);
  }

  #thorough(value: Buffer, rules: { timestampMax: number }): Decoded {
    try {
      const checked = checkEventText(value.toString("utf8"), rules);
      if (!checked.ok) return unreadable(value, `it is no event: ${checked.problems.map(said).join("; ")}`);
      this.#writer.add(checked.event);
      return this.#finish();
    } catch (error) {
      if (error instanceof SyntaxError) return unreadable(value, `it is not JSON: ${error.message.slice(0, 200)}`);
      throw error;
    }
  }

  #finish(): PackedEvents {
    const { count, bytes } = this.#writer.finish();
    return { count, bytes: Buffer.from(bytes) };
  }
}

function packed(value: Buffer | null): Decoded {
  if (value === null || value.length < headBytes) return unreadable(value, "it says packed-1 and has no events");
  const count = value.readUInt32LE();
  const events = { count, bytes: value.subarray(headBytes) };
  if (count < 1 || count > slotsPerRecord)
    return unreadable(value, `it says packed-1 and that it has ${count} events; 1 to ${slotsPerRecord} can be`);
  try {
    walkPacked(events, mustBeEvent);
    return events;
  } catch (error) {
    if (error instanceof RangeError) return unreadable(value, `it says packed-1, and ${error.message}`);
    throw error;
  }
}

/** No later time is ever taken by ingestion, and none before 1970. */
const timestampEnd = Date.UTC(10_000, 0, 1);

/** Anybody may say packed-1. What is text is taken as it is; what everything else is found by must be there. */
function mustBeEvent({ timestamp, idStart, idEnd, end }: PackedExtent, index: number): void {
  if (timestamp >= 0 && timestamp < timestampEnd && idStart < idEnd && idEnd < end) return;
  throw new RangeError(`event ${index} has no id, or a time that no event has`);
}

const said = ({ path, message }: Problem): string => (path === "" ? message : `${path} ${message}`);

function unreadable(value: Buffer | null, reason: string): Unreadable {
  const shown = value?.subarray(0, textBytesMax) ?? Buffer.alloc(0);
  // A reason is plain text wherever it is shown; what is there stands in the text.
  const plain = reason.replaceAll(/[^\x20-\x7e]/g, "?");
  return { reason: plain, text: isUtf8(shown) ? shown.toString("utf8") : `base64:${shown.toString("base64")}` };
}
