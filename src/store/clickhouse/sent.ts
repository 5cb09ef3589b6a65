import { randomUUID } from "node:crypto";
import type { Statement } from "../../rollup/statement.ts";
import { escapeValue } from "./escape-value.ts";

/** What the official client is given for a statement. */
export interface Sent {
  readonly query: string;
  readonly query_params?: Record<string, unknown>;
  readonly http_headers?: Record<string, string>;
}

/** Of parameters in an address, percent-encoded. Proxies take 8 KiB of it, and our settings are there as well. */
const addressCharsMax = 4096;
/** Of a form's field, in UTF-16 units: each is three bytes at most, escaped ones too, so 98,304 bytes. */
export const fieldUnitsMax = 32_768;

/**
 * How a statement travels. Short parameters are in the request's address. A server takes no address beyond 1 MiB
 * (`http_max_uri_size`) and no field, there or in a form, beyond 131,072 bytes (`http_max_field_value_size`, percent-encoded in
 * an address), and its refusal looks like trouble that passes. So what is longer goes as a form, of which the sum has no such bound.
 * The server puts the fields named `query` together; a value that is too long for one field is cut into texts, all of
 * them bound, which the engine puts together and reads as the value's type.
 */
export function sentAs({ sql, parameters }: Statement): Sent {
  const fields = new Map(Object.entries(parameters).map(([name, value]) => [name, fieldOf(value)]));
  if (fitsAddress(fields)) return { query: sql, query_params: { ...parameters } };
  const sent = new Map<string, string>();
  const long = new Map<string, readonly string[]>();
  for (const [name, field] of fields) {
    if (field.length <= fieldUnitsMax) sent.set(name, field);
    else long.set(name, setPieces(sent, name, cut(textOf(parameters[name]))));
  }
  const query = cut(putTogether(sql, long)).map((piece): [string, string] => ["query", piece]);
  return form([...query, ...named(sent)]);
}

/** Answers the names of the parameters that hold the pieces. */
function setPieces(sent: Map<string, string>, name: string, pieces: readonly string[]): readonly string[] {
  return pieces.map((piece, index) => {
    const of = `${name}_piece${index}`;
    sent.set(of, escapeValue(piece));
    return of;
  });
}

const named = (fields: ReadonlyMap<string, string>): [string, string][] =>
  [...fields].map(([name, field]) => [`param_${name}`, field]);

function fitsAddress(fields: ReadonlyMap<string, string>): boolean {
  const chars = fields.entries().reduce((sum, [name, field]) => sum + name.length + field.length, 0);
  return chars <= addressCharsMax && new URLSearchParams(named(fields)).toString().length <= addressCharsMax;
}

/** No text of anybody's is in a statement, so that only our own placeholders look like it. */
const placeholder = /\{(\w+):([^{}]+)\}/g;

function putTogether(sql: string, long: ReadonlyMap<string, readonly string[]>): string {
  if (long.size === 0) return sql;
  return sql.replace(placeholder, (whole, name: string, type: string) => {
    const pieces = long.get(name)?.map((piece) => `{${piece}:String}`);
    return pieces === undefined ? whole : `CAST(concat(${pieces.join(", ")}), '${type.replaceAll("'", "\\'")}')`;
  });
}

/** Never between the two halves of a character. */
function cut(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieces.at(-1)!.length) {
    const end = at + fieldUnitsMax;
    const isHalf = end < text.length && /[\uD800-\uDBFF]/.test(text[end - 1]!);
    pieces.push(text.slice(at, isHalf ? end - 1 : end));
  }
  return pieces;
}

/** The boundary is of this request alone, so that no value can have it. */
function form(fields: readonly [string, string][]): Sent {
  const boundary = `weir-${randomUUID()}`;
  const parts = fields.map(
    ([name, field]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${field}\r\n`,
  );
  return {
    query: `${parts.join("")}--${boundary}--`,
    http_headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
  };
}

/** A value as the text of a parameter, the same that the official client makes. */
const fieldOf = (value: unknown): string =>
  typeof value === "string" ? escapeValue(value) : (value ?? null) === null ? "\\N" : textOf(value);

/** A value as the engine's CAST reads it from a text. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(elementOf).join(",")}]`;
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  throw new TypeError(`not a value of a parameter: ${typeof value}`);
}

function elementOf(value: unknown): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? `'${escapeValue(value)}'` : textOf(value);
}
