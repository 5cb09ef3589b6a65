import assert from "node:assert/strict";
import { test } from "node:test";
import { pack } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { freeBytes } from "../../lib/free-bytes.ts";
import { encodeRawRows, rawRowsBytesMax } from "./row-binary.ts";

const event = { timestamp: 0, event_id: "a", event_type: "t", user_id: "u", payload: "{}" };

test("events whose memory was given back are an error, and no rows of something else", () => {
  const events = pack([event]);
  const piece = { from: offset(0), receivedAt: 0, events, ends: Uint32Array.of(events.bytes.length), skip: null };
  const room = Buffer.alloc(rawRowsBytesMax([piece]));
  assert.equal([...encodeRawRows(room, src(0), [piece])].length, 1);
  freeBytes(events.bytes);
  assert.throws(() => [...encodeRawRows(room, src(0), [piece])], /detached/);
});
