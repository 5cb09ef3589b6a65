import type { TObject, TSchema } from "typebox";
import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { compiledOnce } from "./compiled.ts";
import { expectation } from "./mistake.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Parameters = Record<string, unknown>;

/**
 * Makes of a schema a check of query parameters, path parameters or headers: texts become the numbers and booleans
 * that the schema asks for (`5`, `true`; nothing looser; a list of one where it asks for a list), and every mistake is
 * listed with its path, value and message. Unknown names are refused when the schema says `additionalProperties: false`,
 * with the nearest known name. Defaults are filled in.
 */
export function parameterCheck(schema: TObject): (parameters: Parameters) => Checked<Parameters> {
  const compiled = compiledOnce(schema);
  const known = Object.entries(schema.properties);
  return (parameters) => {
    const value: Parameters = { ...parameters };
    for (const [name, property] of known) {
      if (value[name] === undefined && "default" in property) value[name] = property.default;
      else value[name] = coerced(property, value[name]);
      if (value[name] === undefined) delete value[name];
    }
    const check = compiled();
    if (check.Check(value)) return { ok: true, value };
    const [, errors] = check.Errors(value);
    return { ok: false, problems: problemsOf(schema, value, errors) };
  };
}

function coerced(schema: TSchema, value: unknown): unknown {
  if (typeof value !== "string" || !("type" in schema)) return value;
  if (schema.type === "array") return [value];
  if (schema.type === "integer" && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (schema.type === "number" && /^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return Number(value);
  if (schema.type === "boolean" && (value === "true" || value === "false")) return value === "true";
  return value;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** One problem a parameter: the last error of a path is the outermost, which says what was expected as a whole. */
function problemsOf(schema: TObject, value: Parameters, errors: readonly SchemaError[]): Problem[] {
  const names = Object.keys(schema.properties);
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    if (error.keyword === "required" && "requiredProperties" in error.params) {
      for (const name of error.params.requiredProperties as string[])
        problems.set(name, { path: name, message: "is required" });
      continue;
    }
    // A name may be empty, too: `?=5`.
    if (!error.instancePath.startsWith("/")) continue;
    const name = nameOf(error.instancePath);
    // By its own names: every object has a `constructor`.
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const message = property ? expectation(property, error, value[name]) : unknownMessage(name, names);
    problems.set(name, { path: name, message, value: value[name] });
  }
  return [...problems.values()];
}

function unknownMessage(name: string, names: readonly string[]): string {
  if (name === "") return "a parameter without a name is none of ours";
  const meant = suggest(name, names);
  if (meant) return `is not a known parameter; did you mean ${meant}?`;
  return `is not a known parameter; ${names.length > 0 ? `known are ${names.join(", ")}` : "there are none here"}`;
}

function nameOf(instancePath: string): string {
  return (instancePath.split("/")[1] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
}
