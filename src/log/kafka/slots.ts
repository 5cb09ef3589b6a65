import type { Offset } from "../../event/position.ts";
import { offset } from "../../event/position.ts";

/**
 * A record of Kafka has one offset and may hold many events, so each record has as many positions as events fit in:
 * `off` = the record's offset × 2^14 + the index of the event in it. Unique and ordered, whatever a record holds; a
 * partition may have 2^39 records before positions leave what a number holds exactly.
 */
export const slotsPerRecord = 2 ** 14;

export const firstSlot = (record: number): Offset => offset(record * slotsPerRecord);
export const lastSlot = (record: number): Offset => offset((record + 1) * slotsPerRecord - 1);
/** The record that a position lies in. */
export const recordAt = (off: number): number => Math.floor(off / slotsPerRecord);
