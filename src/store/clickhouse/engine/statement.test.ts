import assert from "node:assert/strict";
import { test } from "node:test";
import { readStatement } from "./statement.ts";

test("what reads and what changes", () => {
  const reads = [
    "SELECT 1",
    " (select 1)",
    "/* c */ WITH 1 AS x SELECT x;",
    "-- c\nSHOW TABLES",
    "describe t",
    "EXPLAIN SELECT 1",
    "EXISTS t",
  ];
  for (const text of reads) assert.equal(readStatement(text).kind, "read", text);
  const changes = [
    "CREATE TABLE t (a Int8)",
    "WITH x AS (SELECT 1) INSERT INTO t SELECT 1",
    "SET a = 1",
    "INSERT INTO t SELECT 1",
  ];
  for (const text of changes) assert.equal(readStatement(text).kind, "change", text);
});

test("nobody has a file written", () => {
  for (const text of [
    "SELECT 1 INTO OUTFILE 'x'",
    "(select 1) into/**/outfile'x' FORMAT CSV",
    "EXPLAIN SELECT 1 INTO OUTFILE 'x'",
  ])
    assert.throws(() => readStatement(text), /Code: 358/, text);
  assert.equal(readStatement("SELECT outfile, 'INTO OUTFILE' FROM t").kind, "read");
});

test("the format of the answer", () => {
  const formatOf = (text: string) => {
    const statement = readStatement(text);
    return statement.kind === "insert" ? "insert" : statement.format;
  };
  assert.equal(formatOf("SELECT 1 FORMAT JSON"), "JSON");
  assert.equal(formatOf("SELECT 1\nformat CSV;"), "CSV");
  assert.equal(formatOf("SELECT 1 FORMAT JSON SETTINGS max_threads = 1"), "JSON");
  assert.equal(formatOf("SELECT 'FORMAT JSON'"), null);
  assert.equal(formatOf("SELECT format, a FROM t"), null);
});

test("an insert that selects from its data says where", () => {
  const text =
    "INSERT INTO t (a) SELECT a FROM input('a DateTime(\\'UTC\\')') WHERE (SELECT max(b) FROM c WHERE d = 'FORMAT X') = 0 FORMAT RowBinary";
  const insert = readStatement(text);
  assert.ok(insert.kind === "insert" && insert.input !== null);
  const { input, target, format, dataAt } = insert;
  assert.equal(text.slice(input.start, input.end), `input(${input.structure})`);
  assert.equal(input.structure, "'a DateTime(\\'UTC\\')'");
  assert.deepEqual([target.trim().endsWith("= 0"), format, dataAt], [true, "RowBinary", text.length]);
});

test("an insert with data is split into target, settings, format and data", () => {
  const parts = (text: string) => {
    const insert = readStatement(text);
    assert.equal(insert.kind, "insert", text);
    return insert.kind === "insert"
      ? [insert.target.trim(), insert.settings.trim(), insert.format, text.slice(insert.dataAt)]
      : [];
  };
  assert.deepEqual(parts("INSERT INTO t FORMAT RowBinary"), ["INSERT INTO t", "", "RowBinary", ""]);
  assert.deepEqual(parts('insert into db.t (a, `b)`) format JSONEachRow\n{"a":\';'), [
    "insert into db.t (a, `b)`)",
    "",
    "JSONEachRow",
    '{"a":\';',
  ]);
  assert.deepEqual(parts("INSERT INTO t SETTINGS a = 'FORMAT X', b = 1 FORMAT CSV \r\n 1,2"), [
    "INSERT INTO t",
    "SETTINGS a = 'FORMAT X', b = 1",
    "CSV",
    " 1,2",
  ]);
  assert.deepEqual(parts("INSERT INTO {t:Identifier} (* EXCEPT(b)) VALUES (1), (';')"), [
    "INSERT INTO {t:Identifier} (* EXCEPT(b))",
    "",
    "Values",
    "(1), (';')",
  ]);
});

test("a kill names ids or parameters", () => {
  const ids = (text: string) => {
    const kill = readStatement(text);
    return kill.kind === "kill" ? kill.ids : null;
  };
  assert.deepEqual(ids("KILL QUERY WHERE query_id = 'a''b\\'' SYNC"), [{ value: "a'b'" }]);
  assert.deepEqual(ids("kill query where query_id in ('a', 'b') async FORMAT JSON"), [{ value: "a" }, { value: "b" }]);
  assert.deepEqual(ids("KILL QUERY WHERE query_id = {id:String} SYNC"), [{ parameter: "id" }]);
  assert.throws(() => readStatement("KILL QUERY WHERE 1"), /Code: 48/);
  assert.throws(() => readStatement("KILL QUERY WHERE user = 'x'"), /Code: 48/);
});

test("what can't be told apart is refused", () => {
  const bad = [
    "",
    ";",
    "SELECT 1; SELECT 2",
    "SELECT 'a",
    'SELECT "a',
    "SELECT /* /* */ 1",
    "SELECT 1\0",
    "SELECT $a$ x",
    "SELECT \u2018x",
  ];
  for (const text of bad) assert.throws(() => readStatement(text), /Code: 62/, text);
  for (const text of [
    "SELECT ';'",
    "SELECT 1 -- ;\n",
    "SELECT 1 // ;",
    "SELECT /* /* ; */ ; */ 1;;",
    "SELECT $$;$$",
    "SELECT `;`",
  ])
    readStatement(text);
});
