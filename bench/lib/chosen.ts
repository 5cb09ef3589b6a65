/**
 * The cases that are wished for by name, or by its beginning where none is called so; all of them where the wish is empty.
 * @throws when there is none: a run that measured nothing would empty a section of docs/benchmarks.md.
 */
export function chosen<T>(cases: readonly T[], wish: string, nameOf: (one: T) => string = String): readonly T[] {
  const exact = cases.filter((one) => nameOf(one) === wish);
  const found = exact.length > 0 ? exact : cases.filter((one) => nameOf(one).startsWith(wish));
  if (found.length === 0) throw new Error(`there is no case "${wish}"; there are: ${cases.map(nameOf).join("; ")}`);
  return found;
}
