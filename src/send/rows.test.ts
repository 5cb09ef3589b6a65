import assert from "node:assert/strict";
import { test } from "node:test";
import { csvRows } from "./csv-rows.ts";
import { jsonRows, ndjsonRows } from "./json-rows.ts";
import { rowBytesMax } from "./lines.ts";
import type { Row } from "./row.ts";

/** The text in pieces of so many bytes. */
async function* pieces(text: string | Buffer, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text as string);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

type Told = [line: number | null, number: number, what: unknown];

async function all(batches: AsyncIterable<readonly Row[]>): Promise<Told[]> {
  const rows = (await Array.fromAsync(batches)).flat();
  return rows.map(({ line, number, values, problem, isBroken }) => [
    line,
    number,
    isBroken ? { broken: { ...values } } : values === undefined ? problem : { ...values },
  ]);
}

/** Whatever the pieces, the rows are the same. */
async function whatever(read: (bytes: number) => AsyncIterable<readonly Row[]>): Promise<Told[]> {
  const whole = await all(read(1 << 20));
  for (const bytes of [1, 2, 3, 7]) assert.deepEqual(await all(read(bytes)), whole, `pieces of ${bytes} bytes`);
  return whole;
}

test("lines of NDJSON, of which one that is wrong costs no other", async () => {
  const text = Buffer.concat([
    Buffer.from('\uFEFF{"a":"é"}\r\n\n7\n{"a":\n{"b":2}\n{"c":"'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n{"d":1}'),
  ]);
  const rows = await whatever((bytes) => ndjsonRows("f", pieces(text, bytes)));
  assert.deepEqual(
    rows.filter(([, number]) => number !== 3),
    [
      [1, 1, { a: "é" }],
      [3, 2, "is not an object: 7"],
      [5, 4, { b: 2 }],
      [6, 5, { broken: { c: "\uFFFD" } }],
      [7, 6, { d: 1 }],
    ],
  );
  assert.match(String(rows[2]?.[2]), /^is not JSON: /);
});

test("a list of JSON is read value by value, and so are values one behind the other", async () => {
  const odd = '{"a]}":"\\"[{","b":[{"c":[]}]}';
  const parsed: unknown = JSON.parse(odd);
  for (const text of [`[${odd},\n${odd} , 5]`, ` ${odd}\n${odd} 5`, `${odd}${odd.trim()}5 `, `[${odd}\n][${odd}]\n5`])
    assert.deepEqual(
      (await whatever((bytes) => jsonRows("f", pieces(text, bytes)))).map(([, number, what]) => [number, what]),
      [
        [1, parsed],
        [2, parsed],
        [3, "is not an object: 5"],
      ],
      text,
    );
  assert.deepEqual(await all(jsonRows("f", pieces("[\n{},\n\n{}]", 4))), [
    [2, 1, {}],
    [4, 2, {}],
  ]);
  assert.deepEqual(await all(jsonRows("f", pieces(" [ ] ", 4))), []);
  await assert.rejects(
    all(jsonRows("f.json", pieces('[{"a":1},\n{"b":"x', 4))),
    /^Error: f\.json:2: ends within what begins in line 2/,
  );
});

test("a list that does not end was cut off, and is not taken for the whole", async () => {
  const read: Row[] = [];
  const reading = async (text: string): Promise<void> => {
    for await (const rows of jsonRows("f.json", pieces(text, 4))) read.push(...rows);
  };
  for (const text of ['\n[{"a":1},\n', '\n[{"a":1}\n', '\n[{"a":1},\n7'])
    await assert.rejects(
      reading(text),
      /^Error: f\.json:3: ends within the list that begins in line 2; was it cut off\?/,
    );
  assert.equal(read.length, 3, "what stands before is read");
});

test("text that is not UTF-8 is known as such in every format, and the character that stands for it is a good one", async () => {
  const read = {
    csv: (text: Buffer) => whatever((bytes) => csvRows("f", pieces(text, bytes), ",", () => {})),
    json: (text: Buffer) => whatever((bytes) => jsonRows("f", pieces(text, bytes))),
  };
  const e = Buffer.from([0xe9]);
  const good = Buffer.from("\uFFFDé😀");
  for (const [reading, before, after] of [
    [read.csv, "a\n", "\n"],
    [read.json, '[{"a":"', '"}]'],
  ] as const) {
    const of = (text: Buffer) => reading(Buffer.concat([Buffer.from(before), text, Buffer.from(after)]));
    assert.deepEqual(
      (await of(good)).map(([, , what]) => what),
      [{ a: "\uFFFDé😀" }],
    );
    assert.deepEqual(
      (await of(e)).map(([, , what]) => what),
      [{ broken: { a: "\uFFFD" } }],
    );
  }
  assert.deepEqual(await read.csv(Buffer.from([0x61, 10, 0xc3])), [[2, 1, { broken: { a: "\uFFFD" } }]]);
});

test("a column of CSV may be called anything", async () => {
  const [row] = (await Array.fromAsync(csvRows("f", pieces("__proto__,b\n1,2\n", 99), ",", () => {}))).flat();
  assert.deepEqual(Object.entries(row?.values ?? {}), [
    ["__proto__", "1"],
    ["b", "2"],
  ]);
});

test("numbers keep all of their digits", async () => {
  for (const text of ['{"big":12345678901234567890,"small":1,"text":"12345678901234567890"}', '{"huge":1e400}']) {
    const [rows] = await Array.fromAsync(ndjsonRows("f", pieces(text, 99)));
    assert.equal(JSON.stringify(rows?.[0]?.values), text);
  }
});

test("rows of CSV with quotes, empty lines and lines in cells keep their places", async () => {
  const text = '\uFEFFid,text\r\n1,"a ""b""\nc"\r\n\r\n2\r\n3,x,y\r\n4,é\r\n';
  const heads: unknown[] = [];
  const rows = await whatever((bytes) => csvRows("f", pieces(text, bytes), ",", (head) => heads.push(head)));
  assert.deepEqual(rows, [
    [2, 1, { id: "1", text: 'a "b"\nc' }],
    [5, 2, "has 1 cells, and the first line 2"],
    [6, 3, "has 3 cells, and the first line 2"],
    [7, 4, { id: "4", text: "é" }],
  ]);
  assert.deepEqual(heads[0], ["id", "text"]);
});

test("lines of CSV may end in several ways in one file, and cells keep theirs", async () => {
  const text = 'a,b\r\n1,x\n2,y\r\n3,z\r4,"p\r\nq\rr\ns"\r\n\r\n5,"t"\n\r6,"u\r\n"\r7,v\r\n8\r';
  const expected = [
    [2, 1, { a: "1", b: "x" }],
    [3, 2, { a: "2", b: "y" }],
    [4, 3, { a: "3", b: "z" }],
    [5, 4, { a: "4", b: "p\r\nq\rr\ns" }],
    [10, 5, { a: "5", b: "t" }],
    [12, 6, { a: "6", b: "u\r\n" }],
    [14, 7, { a: "7", b: "v" }],
    [15, 8, "has 1 cells, and the first line 2"],
  ];
  for (const encoded of [Buffer.from(text), Buffer.from(`\uFEFF${text}`, "utf16le")])
    assert.deepEqual(await whatever((bytes) => csvRows("f", pieces(encoded, bytes), ",", () => {})), expected);
  const old = await whatever((bytes) => csvRows("f", pieces('a,"b\rc"\r1,2\r\r3,"4\r5"\r6,7', bytes), ",", () => {}));
  assert.deepEqual(
    old.map(([line, , what]) => [line, what]),
    [
      [3, { a: "1", "b\rc": "2" }],
      [5, { a: "3", "b\rc": "4\r5" }],
      [7, { a: "6", "b\rc": "7" }],
    ],
  );
});

test("line ends in cells don't move the place of a mistake", async () => {
  const read = (text: string) => all(csvRows("f.csv", pieces(text, 3), ",", () => {}));
  const good = 'a,b\r\n1,"x\r\ny\r\n"\r\n2,z\n';
  await assert.rejects(read(`${good}3,"x"y\n`), /^Error: f\.csv: .*Quote.* at line 6/);
  await assert.rejects(read(`${good}3,"x\r\ny`), /^Error: f\.csv:6: a quote in the row that begins here/);
});

test("what leaves open where rows end, ends the reading behind the good ones", async () => {
  const read: Row[] = [];
  const reading = async (): Promise<void> => {
    for await (const rows of csvRows("f.csv", pieces('a\n1\n2\n"x"y\n3\n', 4), ",", () => {})) read.push(...rows);
  };
  await assert.rejects(reading, /^Error: f\.csv: .*Quote.* line 4/);
  assert.deepEqual(
    read.map(({ number }) => number),
    [1, 2],
  );
  await assert.rejects(all(csvRows("f.csv", pieces("a,b,a\n", 9), ",", () => {})), /two columns are called "a"/);
});

test("a row has a bound", async () => {
  const long = Buffer.alloc(rowBytesMax + 10, "x");
  const endless = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('{}\n"');
    for (;;) yield long.subarray(0, 1 << 20);
  };
  await assert.rejects(all(ndjsonRows("f", endless())), /^Error: f:2: a row of more than 8 MiB/);
  await assert.rejects(all(jsonRows("f", endless())), /^Error: f:2: a row of more than 8 MiB/);
  await assert.rejects(all(csvRows("f", endless(), ",", () => {})), /^Error: f:2: a row of more than 8 MiB/);
  // The header of this one is good, and so is a row.
  const open = pieces('a,b\n1,"x\ny"\n2,"z\n3,y\n', 5);
  await assert.rejects(
    all(csvRows("f", open, ",", () => {})),
    /^Error: f:4: a quote in the row that begins here is not closed/,
  );
});
