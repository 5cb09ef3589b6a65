import assert from "node:assert/strict";
import { test } from "node:test";
import { ClickHouseError } from "@clickhouse/client";
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
