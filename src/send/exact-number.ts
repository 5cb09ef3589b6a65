/** Of ECMAScript's JSON.parse source text access, which Node has and TypeScript's list has not. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON: (text: string) => { readonly rawJSON: string };
  readonly isRawJSON: (value: unknown) => value is { readonly rawJSON: string };
};

/** Where JavaScript may make another number of one: most texts have none, and are parsed four times as fast. */
const suspect = /\d{16}|[eE]\+?\d{3}/;
const manyDigits = /^-?[1-9]\d{15,}$/;

/** JSON; numbers that JavaScript would round, or that it has none for, are written again as they stand. @throws SyntaxError */
export function parseExact(text: string): unknown {
  return suspect.test(text)
    ? JSON.parse(text, asItStands as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

function asItStands(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  return manyDigits.test(source) || !Number.isFinite(value) ? rawJSON(source) : value;
}

/** What is written of a number that is kept as it stands; undefined for everything else. */
export const digitsOf = (value: unknown): string | undefined => (isRawJSON(value) ? value.rawJSON : undefined);

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a text says, with all of its digits; undefined when it says none. */
export function numberIn(text: string): unknown {
  const bare = text.trim();
  if (manyDigits.test(bare)) return rawJSON(bare);
  const number = decimal.test(bare) ? Number(bare) : Infinity;
  return Number.isFinite(number) ? number : undefined;
}
