import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unescapeString } from "./engine/statement.ts";
import { multipartFields } from "./engine/multipart.ts";
import { fieldUnitsMax, type Sent, sentAs } from "./sent.ts";

/** `http_max_field_value_size` of a server. */
const serverFieldBytesMax = 131_072;

function fieldsOf({ query, http_headers }: Sent): Map<string, string> {
  return multipartFields(Buffer.from(query), http_headers?.["Content-Type"] ?? "");
}

/** The largest field of a form, as it travels. */
const largest = ({ query }: Sent): number =>
  Math.max(...query.split(/^--weir-.*$/m).map((part) => Buffer.byteLength(part)));

describe("how a statement is sent", () => {
  test("short parameters stay in the address", () => {
    const parameters = { ids: ["a", "b"], from: 3 };
    assert.deepEqual(sentAs({ sql: "SELECT 1", parameters }), { query: "SELECT 1", query_params: parameters });
  });

  test("what is long percent-encoded goes as a form, also when it is short as it is", () => {
    const parameters = { text: "ж".repeat(700) };
    assert.equal(Object.keys(sentAs({ sql: "SELECT {text:String}", parameters })).includes("http_headers"), true);
  });

  test("a form has the statement, and each value as the text of a parameter", () => {
    const parameters = {
      text: "tab\t'quote' \\",
      list: ["it's", null, "x".repeat(5000)],
      numbers: [[1, 2n], []],
      none: null,
      yes: true,
    };
    const fields = fieldsOf(sentAs({ sql: "SELECT {text:String}", parameters }));
    assert.deepEqual(
      [...fields],
      [
        ["query", "SELECT {text:String}"],
        ["param_text", "tab\\t\\'quote\\' \\\\"],
        ["param_list", `['it\\'s',NULL,'${"x".repeat(5000)}']`],
        ["param_numbers", "[[1,2],[]]"],
        ["param_none", "\\N"],
        ["param_yes", "1"],
      ],
    );
  });

  test("a value too long for a field is put together by the engine, at each of its places", () => {
    const ids = Array.from({ length: 400 }, (_, index) => `${index}'${"🙂".repeat(254)}`);
    const sent = sentAs({
      sql: "SELECT {one:UInt8} WHERE a IN {ids:Array(String)} OR has({ids:Array(String)}, b)",
      parameters: { one: 1, ids },
    });
    const fields = fieldsOf(sent);
    const pieces = [...fields].filter(([name]) => name.startsWith("param_ids"));
    const names = pieces.map(([name]) => `{${name.slice("param_".length)}:String}`).join(", ");
    const list = `CAST(concat(${names}), 'Array(String)')`;
    assert.equal(fields.get("query"), `SELECT {one:UInt8} WHERE a IN ${list} OR has(${list}, b)`);
    const text = pieces.map(([, piece]) => unescapeString(piece)).join("");
    assert.deepEqual(text, `[${ids.map((id) => `'${id.replace("'", "\\'")}'`).join(",")}]`);
    assert.ok(largest(sent) < serverFieldBytesMax, `${largest(sent)} bytes`);
  });

  test("a long statement is put together as well", () => {
    const sql = `SELECT ${"'жж', ".repeat(30_000)}{text:String}`;
    const sent = sentAs({ sql, parameters: { text: "x".repeat(5000) } });
    assert.equal(fieldsOf(sent).get("query"), sql);
    assert.ok(largest(sent) < serverFieldBytesMax, `${largest(sent)} bytes`);
  });

  test("no field is longer than a server takes, whatever the value's characters are", () => {
    for (const text of ["a", "'", "\\", "\n", "ж", "字", "🙂", "x🙂"]) {
      const value = text.repeat((3 * fieldUnitsMax) / text.length);
      const sent = sentAs({ sql: `SELECT {value:String} ${" ".repeat(2 * fieldUnitsMax)} `, parameters: { value } });
      assert.ok(largest(sent) < serverFieldBytesMax, `${JSON.stringify(text)}: ${largest(sent)} bytes`);
    }
  });

  test("what can't be a parameter is refused", () => {
    assert.throws(() => sentAs({ sql: "", parameters: { at: new Date(0) } }), /not a value of a parameter: object/);
  });
});
