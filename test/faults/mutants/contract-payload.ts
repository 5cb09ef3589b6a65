export type Json = Readonly<Record<string, unknown>>;

/** A number that a double can't hold exactly: in the text that it must be stored as. */
export const exactMark = "#exactly ";
const tooLarge = Symbol("larger than 64 bits, or than a double");

/**
 * Parses JSON; numbers of 2^53 or more become texts with all that must be kept of them.
 * @throws SyntaxError
 */
export function exactJson(text: string): unknown {
  return JSON.parse(text, function (_key, value: unknown, context?: { source?: string }) {
    if (Object.is(value, -0)) return 0;
    return typeof value === "number" && Math.abs(value) >= 2 ** 53 ? exactly(context?.source ?? "") : value;
  });
}

function exactly(source: string): unknown {
  const value = Number(source);
  if (!/^-?\d+$/.test(source)) return Number.isFinite(value) ? `${exactMark}${value.toExponential()}` : tooLarge;
  if (source.length > 20) return tooLarge;
  return BigInt.asIntN(64, BigInt(source)) === BigInt(source) ? `${exactMark}${source}` : tooLarge;
}

/** Whether the contract takes a payload, beside these texts of its event. */
export function payloadIsTaken(payload: Json, texts: string): boolean {
  const count = { keys: 0 };
  return valueIsTaken(payload, 1, count) && count.keys <= 512 && bytesOf(payload, texts) <= 65_536;
}

const bytesOf = (payload: Json, texts: string): number =>
  Buffer.byteLength(texts) + Buffer.byteLength(JSON.stringify(payload).replaceAll(/"#exactly ([^"]*)"/g, "$1"));

function valueIsTaken(value: unknown, depth: number, count: { keys: number }): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return value !== tooLarge;
  if (depth > 32) return false;
  if (Array.isArray(value)) return value.every((item) => valueIsTaken(item, depth + 1, count));
  const entries = Object.entries(value);
  count.keys += entries.length;
  return (
    entries.every(([key]) => key.isWellFormed() && Buffer.byteLength(key) <= 256) &&
    entries.every(([, inner]) => valueIsTaken(inner, depth + 1, count)) &&
    hasNoClash(value as Json)
  );
}

/** No two values stand at one dotted path. */
function hasNoClash(object: Json): boolean {
  const paths = dottedPaths(object);
  return new Set(paths).size === paths.length;
}

function dottedPaths(object: Json): string[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const isInner =
      typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return isInner ? dottedPaths(value as Json).map((path) => `${key}.${path}`) : [key];
  });
}
