/** Whether a `.dockerignore` keeps a path out: the last line that matches it, or a folder above it, decides. */
export function isIgnored(ignoreFile: string, path: string): boolean {
  const lines = ignoreFile.split("\n").map((line) => line.trim());
  let ignored = false;
  for (const line of lines.filter((each) => each !== "" && !each.startsWith("#"))) {
    const pattern = line.replace(/^!/, "").replace(/\/$/, "");
    if (withParents(path).some((each) => expressionOf(pattern).test(each))) ignored = !line.startsWith("!");
  }
  return ignored;
}

/** `a/b/c` is below `a` and `a/b`. */
const withParents = (path: string): string[] =>
  path.split("/").map((_part, index, parts) => parts.slice(0, index + 1).join("/"));

/** As builders read them: a star stands for a leading dot, too. */
const expressionOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split(/(\*\*\/|\*|\?)/)
      .map((part) => ({ "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]" })[part] ?? RegExp.escape(part))
      .join("")}$`,
  );
