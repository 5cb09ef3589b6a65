import assert from "node:assert/strict";
import { test } from "node:test";
import { Room } from "./room.ts";

const mib = 1 << 20;

test("room falls below 16 MiB, rises at 24 MiB, and says each once", () => {
  const free = [100, 16, 15, 0, 23, 24, 16, 15].map((size) => size * mib);
  const room = new Room(() => free.shift()!);
  const said = Array.from({ length: 8 }, () => room.look());
  assert.deepEqual(said, [undefined, undefined, "fell", undefined, undefined, "rose", undefined, "fell"]);
  assert.equal(room.isLow, true);
});

test("a disk that can't be asked changes nothing", () => {
  const room = new Room(() => {
    throw new Error("gone");
  });
  assert.equal(room.look(), undefined);
  assert.equal(room.isLow, false);
});
