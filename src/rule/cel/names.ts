import type { ASTNode } from "@marcbachmann/cel-js";
import { suggest } from "../../lib/suggest.ts";
import { formatField, parseField } from "../field.ts";
import type { FilterField } from "./expression.ts";

/** What a name in a filter stands for, or why it stands for nothing. */
export type Name =
  | { readonly field: FilterField }
  | { readonly time: true }
  | { readonly message: string; readonly at: number; readonly hint?: string };

const known = ["event_type", "user_id", "timestamp", "payload"];
/** What other languages call a value that is written otherwise here. */
const otherwise: ReadonlyMap<string, string> = new Map([
  ...["null", "none", "nil", "undefined"].map((word) => [word, "null"] as const),
  ["true", "true"],
  ["false", "false"],
]);

/** Reads `event_type`, `payload.a["odd key"]`, `event.timestamp`, …: an identifier with the keys behind it. */
export function readName(node: ASTNode): Name {
  const keys: string[] = [];
  let root = node;
  while (root.op === "." || root.op === "[]") {
    const key = keyOf(root);
    if (typeof key !== "string") return key;
    keys.unshift(key);
    root = root.args[0];
  }
  if (root.op !== "id") return { message: "only payload has values inside", at: root.start };
  const [first, ...rest] = root.args === "event" && keys.length > 0 ? keys : [root.args, ...keys];
  return resolve(first!, rest, root.start);
}

type Access = Extract<ASTNode, { readonly op: "." | "[]" }>;

function keyOf(node: Access): string | Exclude<Name, { readonly field: FilterField } | { readonly time: true }> {
  if (node.op === ".") return node.args[1];
  const key = node.args[1];
  if (key.op === "value" && typeof key.args === "string") return key.args;
  const index = key.op === "value" && typeof key.args === "bigint";
  const message = index ? "items of an array can't be read by their index" : "a key must be a text in quotes";
  return { message, at: key.start, hint: 'write keys as payload.key or payload["odd key"]' };
}

function resolve(first: string, rest: readonly string[], at: number): Name {
  if (first === "payload") return payloadField(rest, at);
  if (known.includes(first) && rest.length > 0) return { message: `${first} has no values inside`, at };
  if (first === "timestamp") return { time: true };
  if (first === "event_type" || first === "user_id") return { field: { kind: first } };
  const message = `${first} is not known; a filter reads event_type, user_id, timestamp and values of payload`;
  const literal = rest.length === 0 ? otherwise.get(first.toLowerCase()) : undefined;
  if (literal !== undefined) return { message, at, hint: `did you mean ${literal}?` };
  const meant = suggest(first, known);
  if (first === "event_id" || first === "event") return { message, at };
  if (meant !== undefined && meant !== "payload") return { message, at, hint: `did you mean ${meant}?` };
  const path = meant === "payload" ? rest : [first, ...rest];
  if (path.length === 0) return { message, at, hint: "did you mean payload?" };
  return { message, at, hint: `did you mean ${formatField({ kind: "payload", path })}?` };
}

function payloadField(path: readonly string[], at: number): Name {
  if (path.length === 0)
    return { message: "payload as a whole can't be compared", at, hint: "name a value in it, such as payload.price" };
  const field = { kind: "payload", path } as const;
  // The limits of paths are the rule's own.
  const checked = parseField(formatField(field));
  return checked.ok ? { field } : { message: `the path ${checked.message}`, at };
}
