/** Characters that take two cells of a screen: those of East Asia, and pictures. */
const wide =
  /[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
/** Those that take none: they change the one before. */
const joined = /[\p{Mn}\p{Me}\u200B\u200C]|\u200D/u;
// oxlint-disable-next-line no-control-regex
const plain = /^[\u0000-\u02FF]*$/;

const cellsOf = (character: string): number => (joined.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** How many cells of a screen a text takes, as nearly as that can be known. */
export const widthOf = (text: string): number =>
  plain.test(text) ? text.length : Array.from(text).reduce((sum, character) => sum + cellsOf(character), 0);

/** The text, or its beginning and a sign that there is more, in so many cells. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [begun, left] = ["", columns - 1];
  for (const character of text) {
    left -= cellsOf(character);
    if (left < 0) break;
    begun += character;
  }
  return `${begun}…`;
}
