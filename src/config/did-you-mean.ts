import { suggest } from "../lib/suggest.ts";

const namesMax = 3;

/**
 * Of a name that is no option: the one that it is nearest to, or the few whose last word it is (`--port`), as `; did you mean …?`.
 * `before` is what all of them begin with, which makes none of them nearer.
 */
export function didYouMean(given: string, options: readonly string[], before = ""): string {
  const bare = given.startsWith(before) ? given.slice(before.length) : given;
  const names = options.map((option) => option.slice(before.length));
  const near = suggest(bare, names);
  const ending = names.filter((name) => /^[-_]$/.test(name.at(-bare.length - 1) ?? "") && name.endsWith(bare));
  const few = ending.length > namesMax ? [] : ending;
  const meant = near === undefined ? few : [near];
  return meant.length === 0 ? "" : `; did you mean ${meant.map((name) => before + name).join(" or ")}?`;
}
