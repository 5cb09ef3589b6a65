const charsMax = 100;

/** A value as an error answer shows it: long texts are cut, objects and arrays only named. */
export function shortened(value: unknown): unknown {
  if (typeof value === "string") return value.length > charsMax ? `${value.slice(0, charsMax)}…` : value;
  if (Array.isArray(value)) return "[…]";
  return typeof value === "object" && value !== null ? "{…}" : value;
}
