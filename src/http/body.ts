import { isUtf8 } from "node:buffer";
import { WeirError } from "../lib/errors.ts";

/**
 * The value of a body of JSON. `__proto__` and `constructor` become ordinary keys; the service's check refuses them by name.
 * @throws WeirError `invalid_json`
 */
export function jsonOf(bytes: Buffer): unknown {
  const text = textOf(bytes);
  if (text === undefined) throw new WeirError("invalid_json", "the body is not valid UTF-8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

/** The text of bytes that must be UTF-8; undefined when they are not. A byte order mark is dropped. */
function textOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function notJson(cause: unknown): WeirError {
  return new WeirError(
    "invalid_json",
    `the body is not JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : "it can't be parsed"}`,
    { cause },
  );
}
