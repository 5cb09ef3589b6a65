/** What a source file says, without a parser: its imports, and its code with comments and the insides of texts blanked. */
export interface Scanned {
  /** Same lines as the source; comments are gone, texts are `""`. */
  readonly code: string;
  readonly imports: readonly string[];
  /** Those of them of which more than types is imported. */
  readonly valueImports: readonly string[];
  /** True when the file does nothing but pass on what other files export. */
  readonly isBarrel: boolean;
}

export function scan(source: string): Scanned {
  const texts: string[] = [];
  const marked = mask(source, texts);
  const specifiersOf = (code: string): string[] =>
    [...code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"#(\d+)"/g)].map((match) => texts[Number(match[1])] ?? "");
  const passedOn = marked.replaceAll(/export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*"#\d+";?/g, "");
  return {
    code: marked.replaceAll(/"#\d+"/g, '""'),
    imports: specifiersOf(marked),
    valueImports: specifiersOf(marked.replaceAll(typeImport, "")),
    isBarrel: marked.trim() !== "" && passedOn.trim() === "",
  };
}

const typeImport = /\b(?:import|export)\s+type\s+(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s*from\s*"#\d+"/g;

const token =
  /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*|`/g;

/** Replaces each text by `"#n"` and drops comments. A template keeps the code of its places and loses its words. */
function mask(source: string, texts: string[]): string {
  let out = "";
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const match = token.exec(source);
    if (!match) return out + source.slice(at);
    const [found] = match;
    out += source.slice(at, match.index);
    at = match.index + found.length;
    if (found === "`") at = template(source, at, (code) => (out += mask(code, texts)));
    else if (found.startsWith("//") || found.startsWith("/*")) out += found.replaceAll(/[^\n]/g, "");
    else if (!found.startsWith("/")) out += `"#${texts.push(found.slice(1, -1)) - 1}"`;
    else if (startsPattern(out)) out += '""';
    // A division: only its sign is passed.
    else [out, at] = [`${out}/`, match.index + 1];
  }
}

/** Whether a `/` behind this code begins a regular expression. */
const startsPattern = (code: string): boolean => /(?:^|[=(,:;!&|?{}[\n+>]|\breturn|\bcase)\s*$/.test(code);

/** Goes through a template from behind its opening mark; answers where it ends. */
function template(source: string, start: number, place: (code: string) => void): number {
  let at = start;
  while (at < source.length) {
    if (source[at] === "\\") at += 2;
    else if (source[at] === "`") return at + 1;
    else if (source.startsWith("${", at)) {
      const end = closing(source, at + 2);
      place(` (${source.slice(at + 2, end)}) `);
      at = end + 1;
    } else at += 1;
  }
  return at;
}

function closing(source: string, start: number): number {
  let depth = 1;
  for (let at = start; at < source.length; at++) {
    const character = source[at];
    if (character === "`") at = template(source, at + 1, () => {}) - 1;
    else if (character === "{") depth += 1;
    else if (character === "}" && --depth === 0) return at;
  }
  return source.length;
}
