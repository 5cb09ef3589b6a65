import { WeirError } from "../../../client/src/weir.ts";
import type { Weir } from "../../../client/src/weir.ts";

/** What `weir.ask` asks in a query. */
type Query = NonNullable<Parameters<Weir["ask"]>[2]>;

/**
 * An answer in which integers that JavaScript would round are written again as they came: the server keeps all digits of a payload.
 * @throws WeirError as `weir.ask`, and `strange_answer`.
 */
export async function askExactly<T>(
  weir: Pick<Weir, "ask">,
  path: string,
  query: Query,
  signal: AbortSignal,
): Promise<T> {
  const text = await weir.ask("GET", path, query, { signal });
  try {
    return parseExactly(text) as T;
  } catch (cause) {
    throw new WeirError("strange_answer", `${path} is not answered in JSON; is it another server?`, { cause });
  }
}

type RawJson = (text: string) => unknown;
/** Of ECMAScript's JSON.parse source text access, which not every browser has. */
const { rawJSON: rawJsonHere } = JSON as unknown as { readonly rawJSON?: RawJson };

/** Most answers have no such number, and need not be looked through value by value. */
const suspect = /\d{16}/;

/** JSON; where the browser can't keep an integer as it is written, it becomes a text with its digits. @throws SyntaxError */
export function parseExactly(text: string, rawJson: RawJson | null = rawJsonHere ?? null): unknown {
  if (!suspect.test(text)) return JSON.parse(text);
  return rawJson === null ? JSON.parse(quoted(text)) : JSON.parse(text, asWritten(rawJson));
}

const asWritten =
  (rawJson: RawJson) =>
  (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const source = context?.source;
    return typeof value === "number" && source !== undefined && isRounded(source) ? rawJson(source) : value;
  };

const isRounded = (source: string): boolean => /^-?\d+$/.test(source) && !Number.isSafeInteger(Number(source));

/** A text of JSON, or a number of it. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

const quoted = (text: string): string =>
  text.replace(tokens, (token) => (!token.startsWith('"') && isRounded(token) ? `"${token}"` : token));
