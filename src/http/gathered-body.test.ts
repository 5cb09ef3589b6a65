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

it("what is read of a large body stays readable when the body is released, and has all of it", () => {
  const body = new GatheredBody(bytesMax);
  for (let index = 0; index < 3; index++) body.add(piece(smallBytesMax, index));
  const read = [...body.pieces()].map((one) => [one.length, one[0]] as const);
  assert.equal(
    read.reduce((sum, [length]) => sum + length, 0),
    3 * smallBytesMax,
  );
  const pieces = body.pieces();
  const first = pieces.next().value!;
  body.release();
  assert.ok(first.length > 0 && first.equals(Buffer.alloc(first.length)));
  assert.equal(pieces.next().done, true);
});
