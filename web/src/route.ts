/** Which page is shown. It stands behind the `#` of the address, as the paths belong to the API. */
export type Route =
  | { readonly page: "overview" | "rules" | "try" }
  | { readonly page: "events"; readonly tab: "arriving" | "rejects" }
  | { readonly page: "rule" | "edit"; readonly ruleId: string }
  | { readonly page: "new" }
  | { readonly page: "unknown"; readonly path: string };

export function routeOf(hash: string): Route {
  const path = hash.replace(/^#\/?/, "").replace(/\/+$/, "");
  const [first = "", second, third] = path.split("/").map(decoded);
  if (first === "" && second === undefined) return { page: "overview" };
  if (first === "rules" && second === undefined) return { page: "rules" };
  if (first === "rules" && second === "" && third === "new") return { page: "new" };
  if (first === "rules" && second && third === undefined) return { page: "rule", ruleId: second };
  if (first === "rules" && second && third === "edit") return { page: "edit", ruleId: second };
  if (first === "events" && second === undefined) return { page: "events", tab: "arriving" };
  if (first === "events" && second === "rejects") return { page: "events", tab: "rejects" };
  if (first === "try" && second === undefined) return { page: "try" };
  return { page: "unknown", path };
}

/** The address of a page. No rule has the empty id, so that `new` may be one. */
export function hrefOf(route: Exclude<Route, { readonly page: "unknown" }>): string {
  switch (route.page) {
    case "overview":
      return "#/";
    case "rules":
    case "try":
      return `#/${route.page}`;
    case "events":
      return route.tab === "rejects" ? "#/events/rejects" : "#/events";
    case "rule":
      return `#/rules/${encodeURIComponent(route.ruleId)}`;
    case "edit":
      return `#/rules/${encodeURIComponent(route.ruleId)}/edit`;
    case "new":
      return "#/rules//new";
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
