import assert from "node:assert/strict";
import { test } from "node:test";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { StatusQuery } from "./ingest.ts";
import { readLiveRequest } from "./live-request.ts";
import { expectation } from "./mistake.ts";
import { parameterCheck } from "./query.ts";

test("a mistake is told in plain words", () => {
  const told = (schema: object, value: unknown): string => {
    const [error] = Compile(schema).Errors(value);
    assert.ok(error);
    return expectation(schema, error, value);
  };
  assert.equal(told(Type.Array(Type.String()), 1), "must be an array");
  assert.equal(told(Type.String(), 1), "must be a string");
  assert.equal(told(Type.Integer({ examples: [7] }), "x"), "must be an integer, e.g. 7");
  assert.equal(told(Type.Integer({ minimum: 1 }), 0), "must be >= 1");
  assert.equal(told(Type.Enum(["a", "b"]), "c"), "must be one of a, b");
  assert.equal(told(Type.Literal("plain"), "delta"), "must be plain");
  assert.equal(told(Type.String(), ["a", "b"]), "must be given once");
});

test("no client is shown a pattern", () => {
  const checked = parameterCheck(StatusQuery)({ token: "x", wait: "61s" });
  assert.deepEqual(checked.ok ? [] : checked.problems, [
    {
      path: "wait",
      message: "must look as here: 5s (wait up to so long, 60 s at most, until the events are counted)",
      value: "61s",
    },
  ]);
});

test("a parameter that is named like a member of every object is unknown", () => {
  const checked = parameterCheck(StatusQuery)({ token: "x", constructor: "y" });
  assert.deepEqual(checked.ok ? [] : checked.problems, [
    { path: "constructor", message: "is not a known parameter; known are token, wait", value: "y" },
  ]);
});

test("every mistake is told, as long as somebody made them", () => {
  const wrong = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`x${at}`, "1"]));
  const problemsOf = (count: number): number => {
    const checked = parameterCheck(StatusQuery)({ token: "x", ...wrong(count) });
    return checked.ok ? 0 : checked.problems.length;
  };
  assert.deepEqual([12, 1000].map(problemsOf), [12, 100]);
  const read = readLiveRequest(JSON.stringify(wrong(12)));
  assert.equal(read.ok ? 0 : read.message.split("; ").filter((text) => text.includes("is not known")).length, 12);
});

test("a mistake inside of a live message's list is told of its member", () => {
  const read = readLiveRequest('{"subscribe_rules":["a",1]}');
  assert.equal(read.ok ? "" : read.message, "subscribe_rules[1] must be a string");
});
