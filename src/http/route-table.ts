/** Which methods each path takes, to tell an unknown path from a known one that was asked in the wrong way. */
export class RouteTable {
  readonly #routes: { readonly segments: readonly string[]; readonly method: string }[] = [];

  /** `pattern` is the router's: `/a/:name/*`. */
  add(method: string | readonly string[], pattern: string): void {
    for (const one of typeof method === "string" ? [method] : method)
      this.#routes.push({ segments: pattern.split("/"), method: one });
  }

  /** The methods that `path` (without its query) takes, sorted; none when no route is there. */
  methodsOf(path: string): string[] {
    const segments = path.split("/");
    const found = this.#routes.filter((route) => matches(route.segments, segments));
    return [...new Set(found.map((route) => route.method))].toSorted();
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.at(-1) === "*") return path.length >= pattern.length && sameHead(pattern.slice(0, -1), path);
  return pattern.length === path.length && sameHead(pattern, path);
}

function sameHead(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.every((segment, index) => (segment.startsWith(":") ? path[index] !== "" : segment === path[index]));
}
