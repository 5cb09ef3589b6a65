import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExact } from "./exact-number.ts";
import type { Format } from "./head.ts";
import { columnAt, parseMapping } from "./mapping.ts";
import type { Mapping } from "./mapping.ts";
import { eventMaker } from "./row-event.ts";

const mappingOf = (text: string | null): Mapping => {
  const mapping = parseMapping(text);
  assert.ok("fields" in mapping, JSON.stringify(mapping));
  return mapping;
};
const problemsOf = (text: string): readonly string[] => {
  const problems = parseMapping(text);
  assert.ok(!("fields" in problems));
  return problems;
};

/** The event of one row, or its problems. */
function made(map: string | null, values: Record<string, unknown>, format: Format = "ndjson"): unknown {
  const make = eventMaker({ mapping: mappingOf(map), format, source: "s" });
  const result = make({ file: "f", line: 1, number: 1, values });
  return "event" in result
    ? result.event
    : result.problems.map(({ column, field, message }) => [column, field, message]);
}

const fields = { event_id: "1", user_id: "u", event_type: "t", timestamp: "2026-01-13T10:00:00Z" };

test("a mapping that is wrong is told with all of its mistakes", () => {
  for (const [text, ...messages] of [
    ["user=a,x", /"user=a" begins with no field/, /"x" is not field=column/],
    ["user_id=a,user_id=b", /a second time/],
    ["payload.*=a", /can only be payload\.\*=rest/],
    ["user_id=rest", /for payload\.\* alone/],
    ["payload=a,payload.b=c", /as a whole and by its keys/],
    ['user_id="a', /quote that is not closed/],
    ["payload.a=x,payload.a.b=y", /payload\.a\.b can't be, as payload\.a is a value/],
  ] as const) {
    const problems = problemsOf(text);
    assert.equal(problems.length, messages.length, text);
    for (const [index, message] of messages.entries()) assert.match(problems[index] ?? "", message);
  }
});

test("numbers that JavaScript would round are ids and numbers with all of their digits", () => {
  const digits = "12345678901234567890";
  const exact = (text: string): unknown => (parseExact(`{"n":${text}}`) as { n: unknown }).n;
  const row = { ...fields, event_id: exact(digits), user_id: exact(digits), n: exact(digits) };
  const map = "event_id=event_id,payload.n=n:number";
  for (const values of [row, { ...row, event_id: digits, user_id: digits, n: digits }])
    assert.equal(
      JSON.stringify(made(map, values, typeof values.n === "string" ? "csv" : "ndjson")),
      JSON.stringify({ ...fields, event_id: digits, user_id: digits, payload: {} }).replace("{}", `{"n":${digits}}`),
    );
  for (const text of ["0x10", "1 2", "Infinity", "1e999"])
    assert.deepEqual(made("payload.n=n:number", { ...fields, n: text }, "csv"), [
      ["n", "payload.n", "must be a number"],
    ]);
  const { payload } = made("payload.n=n:number", { ...fields, n: " +1.50 " }, "csv") as { payload: unknown };
  assert.deepEqual(payload, { n: 1.5 });
});

test("bytes that are no text are the mistake of a column that is taken, and no other", () => {
  const make = (map: string) =>
    eventMaker({ mapping: mappingOf(map), format: "ndjson", source: "s" })({
      ...{ file: "f", line: null, number: 1, values: { ...fields, a: "x", b: "\uFFFD" }, isBroken: true },
    });
  assert.ok("event" in make("payload.a=a"));
  assert.deepEqual(make("payload.*=rest"), {
    problems: [
      { column: "b", field: "", message: "has bytes that are no text; leave it out by --map, if it is not one" },
    ],
  });
});

test("a column within what is a value of another is told, as one of them would be lost", () => {
  const cells = { ...fields, "payload.x": "2", "payload.x.y": "3" };
  assert.deepEqual(made("payload.*=rest", cells, "csv"), [
    ["payload.x.y", "payload.x.y", "would be a key of payload.x, which is a value already"],
  ]);
});

test("two columns for one key are told, as one of them would be lost", () => {
  const tooMany = "is given by another column, too";
  for (const [map, more, ...problem] of [
    ["payload.*=rest", { "payload.price": 1, price: 2 }, "price", "payload.price", tooMany],
    ["payload.*=rest", { price: 2, payload: { price: 1 } }, "price", "payload.price", tooMany],
    ["payload.*=rest", { "payload.a.b": 2, payload: { a: { b: 1 } } }, "payload.a.b", "payload.a.b", tooMany],
    ["payload.*=rest", { "payload.a.b": 2, "payload.a": { b: 1 } }, "payload.a.b", "payload.a.b", tooMany],
    ["payload.price=amount,payload.*=rest", { amount: 1, price: 2 }, "amount", "payload.price", tooMany],
    [
      "payload.*=rest",
      { payload: { a: [1] }, "payload.a.b": 2 },
      "payload.a.b",
      "payload.a.b",
      "would be a key of payload.a, which is a value already",
    ],
  ] as const)
    assert.deepEqual(made(map, { ...fields, ...more }), [problem], JSON.stringify(more));
  const [row, whole] = [
    { "payload.a.c": 2, price: null, p: 3 },
    { a: { b: 1 }, price: 1, p: null },
  ];
  const { payload } = made("payload.*=rest", { ...fields, ...row, payload: whole }) as { payload: unknown };
  assert.deepEqual(payload, { a: { b: 1, c: 2 }, price: 1, p: 3 }, "nothing is no value");
  assert.deepEqual(whole.a, { b: 1 }, "the row stays as it is");
});

test("in which order columns stand says nothing", () => {
  for (const row of [
    { "payload.a": { c: 1 }, "payload.a.b": 2 },
    { "payload.a.b": 2, "payload.a": { c: 1 } },
  ]) {
    const { payload } = made("payload.*=rest", { ...fields, ...row }) as { payload: unknown };
    assert.deepEqual(payload, { a: { b: 2, c: 1 } }, JSON.stringify(row));
  }
  const cells = { ...fields, "payload.x.y": "3", "payload.x": "2" };
  assert.deepEqual(made("payload.*=rest", cells, "csv"), [
    ["payload.x.y", "payload.x.y", "would be a key of payload.x, which is a value already"],
  ]);
});

test("without a mapping an event is what it is, and other columns of Parquet are the payload's", () => {
  const event = { ...fields, payload: { a: 1 }, odd: true };
  assert.deepEqual(made(null, event), event);
  const { odd, ...rest } = event;
  assert.deepEqual(made(null, event, "parquet"), { ...rest, payload: { a: 1, odd } });
});

test("columns are taken as the mapping says, and the rest is the payload's", () => {
  const row = { ts: "1768298400.5", who: 7, kind: "order", price: "19.50", "a, b": "x", deep: { x: 1 } };
  const map =
    'timestamp=ts:seconds,user_id=who,event_type=const:o,payload.price=price:number,payload.q="a, b",payload.d=deep.x';
  assert.deepEqual(made(`${map},event_id=kind`, row), {
    event_id: "order",
    user_id: "7",
    event_type: "o",
    timestamp: 1768298400500,
    payload: { price: 19.5, q: "x", d: 1 },
  });
  assert.deepEqual(made(`${map},event_id=kind,payload.*=rest`, { ...row, more: [1] }), {
    event_id: "order",
    user_id: "7",
    event_type: "o",
    timestamp: 1768298400500,
    payload: { price: 19.5, q: "x", d: 1, deep: { x: 1 }, more: [1] },
  });
});

test("of texts it is guessed what they are, but not against what they say", () => {
  const cells = { n: "1.50", zero: "007", big: "12345678901234567890", yes: "true", no: "", plus: "+49", text: "a" };
  const expected = { n: 1.5, zero: "007", big: "12345678901234567890", yes: true, plus: "+49", text: "a" };
  assert.deepEqual(made(null, { ...fields, ...cells }, "csv"), { ...fields, payload: expected });
  const { payload } = made("payload.n=n:text,payload.j=j", { ...fields, n: "1.50", j: '{"a":1}' }, "csv") as {
    payload: unknown;
  };
  assert.deepEqual(payload, { n: "1.50", j: '{"a":1}' });
  assert.deepEqual(
    (made(null, { ...fields, payload: '{"a":1}', "payload.b.c": "2" }, "csv") as { payload: unknown }).payload,
    { a: 1, b: { c: 2 } },
  );
});

test("a cell that is a number is the one that it is in JSON, but for an integer beyond 64 bits", () => {
  const cells: readonly (readonly [cell: string, sent: string])[] = [
    ["9007199254740993", "9007199254740993"],
    ["-9223372036854775808", "-9223372036854775808"],
    ["9223372036854775807", "9223372036854775807"],
    ["9223372036854775808", '"9223372036854775808"'],
    ["9".repeat(400), `"${"9".repeat(400)}"`],
    [`${"9".repeat(400)}.5`, `"${"9".repeat(400)}.5"`],
    ["0.30000000000000004", "0.30000000000000004"],
    ["0.0123456789012345678", "0.012345678901234568"],
    ["1e20", "1e+20"],
    ["12345678901234567890.5", "1.2345678901234567e+19"],
  ];
  for (const [n, sent] of cells) {
    const { payload } = made(null, { ...fields, n }, "csv") as { payload: object };
    assert.equal(JSON.stringify(payload), `{"n":${sent}}`);
  }
  assert.equal(JSON.stringify(parseExact('[1e20,1e17,-2.5E+19,"1e20"]')), '[1e+20,100000000000000000,-2.5e+19,"1e20"]');
});

test("times without a zone are of UTC only if that is said", () => {
  const timestamp = (map: string, ts: string): unknown =>
    (made(`timestamp=${map}`, { ...fields, ts }, "csv") as { timestamp: unknown }).timestamp;
  assert.equal(timestamp("ts:utc", "2026-01-13 10:00"), "2026-01-13T10:00:00Z");
  assert.equal(timestamp("ts:utc", "2026-01-13"), "2026-01-13T00:00:00Z");
  assert.equal(timestamp("ts", "1768298400000"), 1768298400000);
  assert.equal(timestamp("ts", "2026-01-13 10:00"), "2026-01-13 10:00");
});

test("what a row lacks, or can't be read, is told with its column, all of it", () => {
  assert.deepEqual(
    made("timestamp=ts:seconds,user_id=u,payload.p=p:number", { ts: "soon", p: "much", event_type: "" }, "csv"),
    [
      ["ts", "timestamp", "must be a number of seconds since 1970"],
      ["p", "payload.p", "must be a number"],
      ["u", "user_id", 'there is no "u" (but ts, p, event_type); --map user_id=COLUMN says what it is'],
      ["event_type", "event_type", "is empty"],
    ],
  );
  assert.deepEqual(made(null, { ...fields, payload: "[1]" }, "csv"), [["payload", "payload", "must be an object"]]);
});

test("an id that a row has not is of its place and content, and of nothing else", () => {
  const { event_id: _, ...row } = fields;
  const id = (values: object, number = 1, source = "s", map: string | null = null): unknown => {
    const result = eventMaker({ mapping: mappingOf(map), format: "ndjson", source })({
      file: "f",
      line: null,
      number,
      values: { ...values },
    });
    return "event" in result ? result.event.event_id : result.problems;
  };
  assert.equal(id(row), id(row));
  assert.equal(id(row), id(row, 1, "s", "payload.*=rest"));
  assert.equal(new Set([id(row), id(row, 2), id(row, 1, "t"), id({ ...row, user_id: "v" })]).size, 4);
});

test("a problem of the server is told by its column", () => {
  const mapping = mappingOf("user_id=who,payload.a.b=deep.x,payload.*=rest");
  assert.deepEqual(
    ["user_id", "timestamp", "payload.a.b", "payload.c", "payload"].map((path) => columnAt(mapping, path)),
    ["who", "timestamp", "deep.x", "c", null],
  );
});

test("a column may be called anything", () => {
  const row: unknown = JSON.parse('{"__proto__":"x","constructor":"y"}');
  const { payload } = made("payload.*=rest", { ...fields, ...Object.fromEntries(Object.entries(row as object)) }) as {
    payload: object;
  };
  assert.deepEqual(Object.entries(payload), [
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});
