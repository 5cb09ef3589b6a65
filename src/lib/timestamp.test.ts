import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseTimestamp } from "./timestamp.ts";

describe("a timestamp", () => {
  const taken: [text: string, utc: string][] = [
    ["2026-01-13T10:00:00Z", "2026-01-13T10:00:00.000Z"],
    ["2026-01-13t10:00:00z", "2026-01-13T10:00:00.000Z"],
    ["2026-01-13T10:00:00.1Z", "2026-01-13T10:00:00.100Z"],
    ["2026-01-13T10:00:00.123999999999Z", "2026-01-13T10:00:00.123Z"],
    ["2026-01-13T10:00:00+05:30", "2026-01-13T04:30:00.000Z"],
    ["2026-01-13T10:00:00.25-08:00", "2026-01-13T18:00:00.250Z"],
    ["2026-01-13T10:00:00-00:00", "2026-01-13T10:00:00.000Z"],
    ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00.000Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["2017-01-01T00:59:60.5+01:00", "2017-01-01T00:00:00.500Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ];
  for (const [text, utc] of taken) it(`reads ${text}`, () => assert.equal(parseTimestamp(text), Date.parse(utc)));

  const refused = [
    "",
    "2026-01-13",
    "2026-01-13T10:00Z",
    "2026-01-13T10:00:00",
    "2026-01-13 10:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-13T24:00:00Z",
    "2026-01-13T10:60:00Z",
    "2026-01-13T10:00:61Z",
    "2026-01-13T10:00:60Z",
    "2026-01-30T23:59:60Z",
    "2026-01-13T10:00:00.Z",
    "2026-01-13T10:00:00+24:00",
    "2026-01-13T10:00:00+0100",
    "2026-01-13T10:00:00+01:60",
    "2026-01-13T10:00:00ZZ",
    "2026-01-13T10:00:00Z ",
    "２026-01-13T10:00:00Z",
    "+002026-01-13T10:00:00Z",
    `2026-01-13T10:00:00.${"1".repeat(100)}Z`,
  ];
  for (const text of refused)
    it(`refuses ${text.slice(0, 40) || "nothing"}`, () => assert.ok(Number.isNaN(parseTimestamp(text))));

  it("agrees with the platform on every instant", () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, fc.integer({ min: -1439, max: 1439 }), (instant, minutes) => {
        const local = new Date(instant.getTime() + minutes * 60_000).toISOString();
        if (local.length !== 24) return;
        const two = (value: number): string => String(value).padStart(2, "0");
        const zone = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
        assert.equal(parseTimestamp(local.slice(0, -1) + zone), instant.getTime());
      }),
    );
  });
});
