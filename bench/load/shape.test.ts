import assert from "node:assert/strict";
import { test } from "node:test";
import { benchRules, expectedKey, expectedWindows } from "../lib/rules.ts";
import { parseAnswer } from "./connection.ts";
import { PreparedRequest, shapeEvents } from "./shape.ts";

interface Sent {
  readonly event_id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: { readonly price: number; readonly country: string };
}

const shape = { seed: 5, bodies: 2, eventsPerRequest: 200 };

test("a prepared request stays valid when it is renewed, with new ids and times and all else the same", () => {
  const request = new PreparedRequest(shapeEvents(shape, 1), "127.0.0.1:8000");
  const sendings = [1_700_000_000, 1_700_000_000, 1_700_000_061].map((second, sending) => {
    request.renew(sending, second);
    return parse(request);
  });
  const ids = new Set(sendings.flat().map((event) => event.event_id));
  assert.equal(ids.size, 600);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  const seconds = sendings.map(
    (events) => new Set(events.map((event) => Math.floor(Date.parse(event.timestamp) / 1000))),
  );
  assert.deepEqual(seconds, [new Set([1_700_000_000]), new Set([1_700_000_000]), new Set([1_700_000_061])]);
  assert.deepEqual(
    sendings[0]!.map(({ payload }) => payload),
    sendings[2]!.map(({ payload }) => payload),
  );
});

test("what is expected of the rules is what the sent bytes give", () => {
  const sent: Sent[] = [];
  const acknowledged = [
    { second: 1_700_000_000, body: 0, n: 2 },
    { second: 1_700_000_061, body: 1, n: 1 },
  ];
  for (const { second, body, n } of acknowledged) {
    const request = new PreparedRequest(shapeEvents(shape, body), "h");
    for (let sending = 0; sending < n; sending++) {
      request.renew(sending, second);
      sent.push(...parse(request));
    }
  }
  const expected = expectedWindows(benchRules, [{ shape, acknowledged }]);
  const clicks = sent.filter((event) => event.event_type === "click" && event.timestamp < "2023-11-14T22:14");
  assert.equal(expected.get("events_1m")?.get(expectedKey(1_699_999_980_000, "click")), clicks.length);
  const german = sent.filter(({ payload }) => payload.country === "DE").map(({ payload }) => payload.price);
  const mean = german.reduce((sum, price) => sum + price, 0) / german.length;
  const window = Math.floor(1_700_000_000 / 300) * 300_000;
  assert.ok(Math.abs((expected.get("mean_5m")?.get(expectedKey(window, "DE")) ?? 0) - mean) < 1e-9 * mean);
});

test("an answer is read when all of it is there", () => {
  const answer = Buffer.from("HTTP/1.1 429 Too Many\r\nx: y\r\nContent-Length: 2\r\n\r\n{}");
  assert.deepEqual(parseAnswer(answer), { status: 429 });
  assert.equal(parseAnswer(answer.subarray(0, answer.length - 1)), null);
  assert.equal(parseAnswer(answer.subarray(0, 20)), null);
  const advising = Buffer.from("HTTP/1.1 503 Full\r\nretry-after: 5\r\nContent-Length: 0\r\n\r\n");
  assert.deepEqual(parseAnswer(advising), { status: 503, retryAfterSeconds: 5 });
});

function parse(request: PreparedRequest): Sent[] {
  const text = request.bytes.toString("latin1");
  const [head = "", body = ""] = text.split("\r\n\r\n");
  assert.equal(Number(/content-length: (\d+)/.exec(head)?.[1]), body.length);
  return JSON.parse(body) as Sent[];
}
