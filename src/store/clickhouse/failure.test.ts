import assert from "node:assert/strict";
import { test } from "node:test";
import { ClickHouseError, parseError } from "@clickhouse/client";
import { createLogger } from "../../observe/logger.ts";
import { asWeirError } from "./failure.ts";

/** As the log has it. */
function logged(message: string, code: string, type: string): { readonly line: string; readonly text: string } {
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const logger = createLogger({ level: "trace", format: "json", terminal: false, destination });
  const error = asWeirError(new ClickHouseError({ message, code, type }), true);
  logger.error({ err: error }, "counting failed");
  return { line: written.join(""), text: error.message };
}

const row = "event_id = 'private', user_id = 'private', payload = '{\"a\":\"private\"}'";

test("of what the engine refuses the log has its code, and none of the values that its text quotes", () => {
  for (const [message, code, type] of [
    [`Constraint \`c\` for table weir.raw is violated at row 3. Column values: ${row}. `, "469", "VIOLATED_CONSTRAINT"],
    ["Value private cannot be parsed as UInt64 for query parameter 'p0'", "457", "BAD_QUERY_PARAMETER"],
    ["Cannot parse input: expected ',' before: 'private'", "27", "CANNOT_PARSE_INPUT_ASSERTION_FAILED"],
    ["Something of tomorrow: private", "9999", "UNHEARD_OF"],
  ] as const) {
    const { line, text } = logged(message, code, type);
    assert.doesNotMatch(line, /private/);
    assert.equal(text, `the store refused a statement: ${type.toLowerCase().replaceAll("_", " ")}, code ${code}`);
    assert.match(line, new RegExp(`"code":"${code}"`), "the cause is named");
  }
});

test("what tells an operator which table, column or setting it is about stays, without the statement around it", () => {
  const table = logged("Table weir.raw_events does not exist. ", "60", "UNKNOWN_TABLE");
  assert.match(table.line, /the store refused a statement: Table weir\.raw_events does not exist/);
  const column = logged(
    "Unknown expression identifier `off` in scope SELECT off FROM weir.raw WHERE user_id = _CAST('private', 'String')",
    ...(["47", "UNKNOWN_IDENTIFIER"] as const),
  );
  assert.equal(column.text, "the store refused a statement: Unknown expression identifier `off`");
  assert.doesNotMatch(column.line, /private/);
});

test("why an engine can't answer, which speaks of its state, is told in its own words", () => {
  const { line } = logged("Memory limit (total) exceeded: would use 5 GiB", "241", "MEMORY_LIMIT_EXCEEDED");
  assert.match(line, /the store can't answer: Memory limit \(total\) exceeded/);
});

test("a server that goes away while another reads of it is away, whichever end of data it is told as", () => {
  const of = (message: string, code: string) =>
    asWeirError(new ClickHouseError({ message, code, type: "T" }), false).code;
  for (const [message, code] of [
    ["Attempt to read after eof: while receiving packet from store-2:9000", "32"],
    ["Cannot read all data. Bytes read: 3. Bytes expected: 8.: while receiving packet from store-2:9000", "33"],
    ["Unexpected packet Data received from server store-2:9000 while reading from remote", "102"],
    ["All attempts to get table structure failed", "519"],
    ["Requested cluster 'main' not found", "701"],
  ] as const)
    assert.equal(of(message, code), "store_unavailable");
  assert.equal(of("Attempt to read after eof: while parsing 'private'", "32"), "store_refused");
});

const read = (part: string): string =>
  `Bytes read: 3. Bytes expected: 8.: (while reading column payload): (while reading from part /d/store/905/9057/${part}/ in table weir.raw_events (9057) located on disk default of type local, from mark 0)`;

test("a damaged file is no fault of a statement, whichever code the engine has for it, and the part is named", () => {
  const of = (message: string, code: string, type?: string): string => {
    const error = new ClickHouseError({ message, code, ...(type === undefined ? {} : { type }) });
    const { code: known, message: said, canRetry } = asWeirError(error, true);
    return `${known} ${canRetry} ${/part (\S+) of the table (\S+) is damaged/.exec(said)?.slice(1).join(" ") ?? "-"}`;
  };
  const known = "store_damaged true 202601-0_1_1_0 weir.raw_events";
  assert.equal(of(`Checksum doesn't match. ${read("202601-0_1_1_0")}`, "40"), known);
  assert.equal(of(`Cannot read all data. ${read("202601-0_1_1_0")}`, "33"), known);
  // As the engine has it; the client takes the inner text and type, and the outer code.
  const mutation = `Code: 341. DB::Exception: Exception happened during execution of mutation 'mutation_4.txt' with part 'p' reason: 'Code: 40. DB::Exception: Checksum doesn't match. ${read("202601-0_1_1_0")} (CHECKSUM_DOESNT_MATCH) (version 26.7.2.1)'. \n\n0. ? @ 0x0\n. (UNFINISHED)`;
  const parsed = parseError(mutation) as ClickHouseError;
  assert.equal(of(parsed.message, parsed.code, parsed.type), known);
  const ofMemory = parseError(mutation.replace("CHECKSUM_DOESNT_MATCH", "MEMORY_LIMIT_EXCEEDED")) as ClickHouseError;
  assert.equal(of(ofMemory.message, ofMemory.code, ofMemory.type), "store_refused false -");
  const ofIndex =
    "Bytes expected: 65574: While reading or decompressing /d/store/d55/d553/p_1_1_0/skp.idx2 (position: 38, typename: X)";
  assert.match(
    asWeirError(new ClickHouseError({ message: ofIndex, code: "33" }), false).message,
    /^part p_1_1_0 is damaged/,
  );
  assert.equal(of("File count.txt is missing", "226"), "store_damaged true -");
  assert.equal(of("Cannot read all data. Bytes read: 3. Bytes expected: 8.", "33"), "store_refused false -");
  // What an event says is quoted.
  assert.equal(of(`Constraint c is violated. Column values: payload = '${read("p")}'`, "469"), "store_refused false -");
});
