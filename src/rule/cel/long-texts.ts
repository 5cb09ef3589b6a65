import type { ASTNode } from "@marcbachmann/cel-js";
import { columnAt } from "./column.ts";
import { fences, type FilterProblem } from "./expression.ts";

/** A problem for each text in quotes, wherever it stands, that is longer than one may be. */
export function longTexts(tree: ASTNode, text: string): FilterProblem[] {
  return [...textsIn(tree)].flatMap(({ value, at }) => {
    const bytes = Buffer.byteLength(value);
    if (bytes <= fences.literalBytesMax) return [];
    const begins = JSON.stringify(value.slice(0, shownChars).toWellFormed());
    const message = `a text in a filter has at most ${fences.literalBytesMax} bytes in UTF-8, and the one that begins with ${begins} has ${bytes}`;
    return [{ message, column: columnAt(text, at) }];
  });
}

const shownChars = 20;

interface TextAt {
  readonly value: string;
  readonly at: number;
}

/** A node's parts are nodes, lists of them, and names. */
function* textsIn(part: unknown): Generator<TextAt> {
  if (Array.isArray(part)) for (const one of part as unknown[]) yield* textsIn(one);
  if (!isNode(part)) return;
  if (part.op !== "value") yield* textsIn(part.args);
  else if (typeof part.args === "string") yield { value: part.args, at: part.start };
}

const isNode = (part: unknown): part is ASTNode => typeof part === "object" && part !== null && "op" in part;
