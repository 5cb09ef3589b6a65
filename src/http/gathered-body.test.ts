import assert from "node:assert/strict";
import { it } from "node:test";
import { GatheredBody, smallBytesMax } from "./gathered-body.ts";

const bytesMax = 4 * smallBytesMax;
const piece = (length: number, byte: number): Buffer => Buffer.alloc(length, byte);

for (const expected of [0, 10, bytesMax, 99 * bytesMax])
  it(`a body of which ${expected} bytes are announced has all its bytes in order, small or large`, () => {
    for (const size of [1, 1000, smallBytesMax / 4, smallBytesMax]) {
      const body = new GatheredBody(bytesMax, expected);
      for (let index = 0; body.length + size <= bytesMax && index < 50; index++) body.add(piece(size, index));
      const bytes = body.bytes();
      assert.equal(bytes.length, body.length);
      for (let at = 0; at < bytes.length; at += size)
        assert.deepEqual([bytes[at], bytes[at + size - 1]], [at / size, at / size]);
      body.release();
      assert.equal(body.length, 0);
    }
  });

it("nothing is a body too", () => assert.equal(new GatheredBody(bytesMax).bytes().length, 0));
