import assert from "node:assert/strict";
import { test } from "node:test";
import { offset, src } from "../../event/position.ts";
import type { LogRecord } from "../log.ts";
import { Tail } from "./tail.ts";

const record = (from: number, count: number, bytes: number): LogRecord => ({
  src: src(0),
  from: offset(from),
  to: offset(from + count - 1),
  appendedAt: 0,
  events: { count, bytes: new Uint8Array(bytes) },
});
const plenty = { bytesMax: 1_000, eventsMax: 1_000 };
const starts = (records: readonly LogRecord[]): number[] => records.map(({ from }) => from);

test("the tail keeps the newest records within its bound and forgets what is handled", () => {
  const tail = new Tail(100);
  for (let i = 0; i < 5; i++) tail.push(record(10 * i, 10, 30));
  assert.deepEqual(starts(tail.read(20, plenty)), [20, 30, 40]);
  assert.deepEqual(starts(tail.read(19, plenty)), [], "older ones are on disk");
  tail.dropBelow(35);
  assert.deepEqual(starts(tail.read(30, plenty)), [30, 40]);
  assert.deepEqual(starts(tail.read(20, plenty)), []);
});

test("a full tail forgets many records at once, so that not each new one has to move all others", () => {
  const tail = new Tail(800);
  for (let i = 0; i < 81; i++) tail.push(record(i, 1, 10));
  assert.deepEqual(starts(tail.read(10, plenty)), [], "an eighth is free again");
  assert.equal(tail.read(11, plenty).length, 70);
});

test("the memory of what is handled is given back, and of nothing else", () => {
  const tail = new Tail(110);
  const records = [0, 10, 20, 30].map((from) => record(from, 10, 30));
  for (const one of records) tail.push(one);
  const sizes = (): number[] => records.map(({ events }) => events.bytes.byteLength);
  assert.deepEqual(sizes(), [30, 30, 30, 30], "what is on disk as well may still be read by who has it");
  tail.dropBelow(25);
  assert.deepEqual(sizes(), [30, 0, 30, 30], "up to the record in which the next one lies");
  tail.dropBelow(40);
  assert.deepEqual(sizes(), [30, 0, 0, 0]);
});

test("reading begins with the record that holds the offset and stops at its bounds, at one record at least", () => {
  const tail = new Tail(1_000);
  for (let i = 0; i < 5; i++) tail.push(record(10 * i, 10, 30));
  assert.deepEqual(starts(tail.read(25, plenty)), [20, 30, 40]);
  assert.deepEqual(starts(tail.read(29, { bytesMax: 31, eventsMax: 1_000 })), [20, 30]);
  assert.deepEqual(starts(tail.read(30, { bytesMax: 1, eventsMax: 1_000 })), [30]);
  assert.deepEqual(starts(tail.read(0, { bytesMax: 1_000, eventsMax: 20 })), [0, 10]);
  assert.deepEqual(starts(tail.read(50, plenty)), []);
});
