/** `WEIR_SEED` repeats a run, `WEIR_MUTANTS` makes it longer, `WEIR_MUTANT` plays one mutant alone. */
export const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 1_000_000_000);
export const mutants = Number(process.env["WEIR_MUTANTS"] ?? 20_000);
const only = process.env["WEIR_MUTANT"] === undefined ? undefined : Number(process.env["WEIR_MUTANT"]);

/** Of all mutants, so many percent. */
const shares = { events: 75, rules: 9, questions: 11, messages: 5 } as const;

/** The numbers of one kind's mutants; no two kinds have the same. One that was asked for is played alone. */
export function numbersOf(kind: keyof typeof shares): number[] {
  const kinds = Object.keys(shares) as (keyof typeof shares)[];
  const first = kinds.indexOf(kind) * 10_000_000;
  if (only !== undefined) return only >= first && only < first + 10_000_000 ? [only] : [];
  return Array.from({ length: Math.round((mutants * shares[kind]) / 100) }, (_, index) => first + index);
}
