import type { Rule } from "../../client/src/weir.ts";
import { findJsonFault, withoutMark } from "../config/json-place.ts";
import { isObject } from "../lib/is-object.ts";
import { explained } from "./message.ts";

/** A mistake in what was given to a command; the message says where. */
export class CommandError extends Error {}

/** The text of a file; `-` is the standard input. Rejects when it can't be read. */
export type ReadFile = (path: string) => Promise<string>;

/**
 * The rules of a file: one, a list, or a document `{"rules":[…]}`.
 * @throws CommandError what is wrong with the file; what is wrong with a rule is the server's to say.
 */
export async function rulesIn(path: string, readFile: ReadFile): Promise<Rule[]> {
  const value = await parsed(path, readFile);
  const list = Array.isArray(value)
    ? value
    : isObject(value) && Array.isArray(value["rules"])
      ? value["rules"]
      : [value];
  for (const [index, rule] of (list as readonly unknown[]).entries())
    if (!isObject(rule) || typeof rule["rule_id"] !== "string")
      throw new CommandError(`${nameOf(path)}: ${list.length > 1 ? `its rule ${index + 1}` : "it"} has no "rule_id"`);
  return list as Rule[];
}

async function parsed(path: string, readFile: ReadFile): Promise<unknown> {
  const text = await readFile(path).then(withoutMark, (error: unknown) => {
    throw new CommandError(`${nameOf(path)} can't be read: ${explained(error)}`);
  });
  try {
    return JSON.parse(text);
  } catch {
    const { line, column, found } = findJsonFault(text);
    throw new CommandError(`${nameOf(path)} is not JSON: line ${line}, column ${column} has ${found}`);
  }
}

const nameOf = (path: string): string => (path === "-" ? "the standard input" : path);
