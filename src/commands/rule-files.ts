import type { Rule } from "../../client/src/weir.ts";

/** A mistake in what was given to a command; the message says where. */
export class CommandError extends Error {}

/**
 * The rules of a file: one, a list, or a document `{"rules":[…]}`.
 * @throws CommandError what is wrong with the file; what is wrong with a rule is the server's to say.
 */
export function rulesIn(path: string, readFile: (path: string) => string): Rule[] {
  const value = parsed(path, readFile);
  const list = Array.isArray(value)
    ? value
    : isObject(value) && Array.isArray(value["rules"])
      ? value["rules"]
      : [value];
  for (const [index, rule] of (list as readonly unknown[]).entries())
    if (!isObject(rule) || typeof rule["rule_id"] !== "string")
      throw new CommandError(`${path}: ${list.length > 1 ? `its rule ${index + 1}` : "it"} has no "rule_id"`);
  return list as Rule[];
}

function parsed(path: string, readFile: (path: string) => string): unknown {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    throw new CommandError(`${path} can't be read: ${messageOf(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
