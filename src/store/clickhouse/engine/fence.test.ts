import assert from "node:assert/strict";
import { test } from "node:test";
import { checkReader } from "./fence.ts";
import { forbiddenToReaders } from "./attempts.ts";
import { readerLimits, readerSettings } from "./settings.ts";

test("a reader can't get out of the tables", () => {
  for (const text of forbiddenToReaders) assert.throws(() => checkReader(text), /Code: (164|62|48|358)\./, text);
});

test("what looks alike but only reads is let through", () => {
  const harmless = [
    "SELECT 'file(''/etc/passwd'')'",
    "SELECT count() FROM raw_events WHERE event_type = 'file' -- file('x')",
    "SELECT t.file, payload.file FROM t",
    "SELECT profile, filename FROM t",
    "SELECT domain(url) FROM t /* INTO OUTFILE 'x' */",
    "SELECT payload.processes FROM t",
    "WITH {from:DateTime} AS f SELECT count() FROM t WHERE timestamp >= f",
    "SELECT * FROM numbers(10);",
    "SHOW TABLES",
  ];
  for (const text of harmless) assert.equal(checkReader(text).kind, "read", text);
});

test("a reader's settings: limits are lowered but not raised, presentation as asked, nothing else", () => {
  const limits = readerLimits(4_000_000_000);
  const settings = readerSettings(
    new Map([
      ["max_execution_time", "5"],
      ["max_result_rows", "0"],
      ["max_threads", "64"],
      ["output_format_json_quote_64bit_integers", "0"],
      ["readonly", "0"],
    ]),
    limits,
  );
  assert.equal(settings.get("max_execution_time"), "5");
  assert.equal(settings.get("max_result_rows"), "1000000");
  assert.equal(settings.get("max_threads"), "2");
  assert.equal(settings.get("max_memory_usage"), "1000000000");
  assert.equal(settings.get("output_format_json_quote_64bit_integers"), "0");
  assert.equal(settings.has("readonly"), false);
  for (const name of [
    "allow_introspection_functions",
    "dialect",
    "format_schema",
    "allow_experimental_eval_table_function",
    "user_files_path",
  ]) {
    assert.throws(() => readerSettings(new Map([[name, "1"]]), limits), /Code: 164/, name);
  }
});
