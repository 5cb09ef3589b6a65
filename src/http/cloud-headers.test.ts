import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloudAttributes } from "./cloud-headers.ts";

describe("the headers of a CloudEvent in binary mode", () => {
  it("are there when one names the version or the id", () => {
    assert.equal(cloudAttributes({ "content-type": "application/json", "ce-type": "t" }), undefined);
    assert.deepEqual(cloudAttributes({ "ce-specversion": "1.0" }), { specversion: "1.0" });
    assert.deepEqual(cloudAttributes({ "ce-id": "a", "ce-source": "/s", "ce-data": "x" }), { id: "a" });
  });

  it("are decoded as the binding says", () => {
    const read = (text: string): string | undefined => cloudAttributes({ "ce-id": text })?.id;
    const cases: readonly (readonly [header: string, value: string])[] = [
      ["Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
      ['"a b"', "a b"],
      ['"say \\"hi\\" \\\\"', 'say "hi" \\'],
      ["100%", "100%"],
      ["%ff", "%ff"],
      ["", ""],
      // Around a value HTTP knows blanks and tabs, which its parser takes away; no other space is one to it.
      ["\u00a0", "\u00a0"],
      ['"a" \u00a0', '"a" \u00a0'],
      ["%20", " "],
    ];
    for (const [header, value] of cases) assert.equal(read(header), value);
  });
});
