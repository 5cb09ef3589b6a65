import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../../client/src/weir.ts";
import { askExactly, parseExactly } from "./exactly.ts";

const payload =
  '{"least":-9223372036854775808,"list":[18446744073709551615,9007199254740993],"near":9007199254740991,"price":0.1,"text":"9007199254740993, \\" 9007199254740993"}';
const answering = (text: string) => ({ ask: async () => text });
const { signal } = new AbortController();
const ask = (text: string): Promise<{ data: { payload: unknown }[] }> =>
  askExactly(answering(text), "/events", {}, signal);

test("integers of a payload are shown with all their digits, in one line and in many", async () => {
  const { data } = await ask(`{"data":[{"payload":${payload}}],"count":1}`);
  assert.equal(JSON.stringify(data[0]?.payload), payload);
  assert.equal(JSON.stringify(data[0]?.payload, undefined, 2).replaceAll(/\n */g, "").replaceAll('": ', '":'), payload);
});

test("where a browser can't keep a number as it is written, its digits are shown as a text", () => {
  const shown = JSON.stringify(parseExactly(payload, null));
  assert.equal(
    shown,
    payload.replaceAll(/(-9223372036854775808|18446744073709551615|(?<=,)9007199254740993(?=\]))/g, '"$1"'),
  );
});

test("what is not rounded is a number as ever", () => {
  const text = '{"a":1,"b":-9007199254740991,"c":1234567890.12345678901,"d":"1234567890123456"}';
  for (const rawJson of [undefined, null]) assert.deepEqual(parseExactly(text, rawJson), JSON.parse(text));
});

test("what is no JSON is told as of another server", async () => {
  await assert.rejects(
    ask("<html>"),
    (error) => error instanceof WeirError && error.code === "strange_answer" && error.message.startsWith("/events"),
  );
});
