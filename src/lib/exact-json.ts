/** Of ECMAScript's JSON.parse source text access, which Node has and TypeScript's list has not. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON: (text: string) => { readonly rawJSON: string };
  readonly isRawJSON: (value: unknown) => value is { readonly rawJSON: string };
};

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** JSON; `take` says what becomes of a number, by what stands there. @throws SyntaxError */
export function parseNumbers(text: string, take: (value: number, written: string) => unknown): unknown {
  const revive: Reviver = (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? take(value, source) : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** A number that is written again as it stands. */
export const asWritten = (digits: string): unknown => rawJSON(digits);

/** What is written of a number that is kept as it stands; undefined for everything else. */
export const digitsOf = (value: unknown): string | undefined => (isRawJSON(value) ? value.rawJSON : undefined);
