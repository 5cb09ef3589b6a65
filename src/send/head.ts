export type Format = "json" | "ndjson" | "csv" | "parquet";

/** Of so much nobody says any more what it is. */
const headBytes = 1000;

/** What a standard input is that begins so; undefined: nothing that is known; `more`: it takes more of it to know, unless it `isOver`. */
export function formatByHead(head: Buffer, isOver: boolean): Format | "more" | undefined {
  const unless = (known: Format | undefined, least: number) => (isOver || head.length >= least ? known : "more");
  if (head.subarray(0, 4).toString("latin1") === "PAR1") return "parquet";
  const start = head.toString("utf8", 0, headBytes).replace("\uFEFF", "").trimStart();
  if (start.startsWith("[")) return "json";
  if (start !== "" && !start.startsWith("{")) return unless(undefined, 4);
  const [, line, next] = /^([^\n]*)\n\s*(\S?)/.exec(start) ?? [];
  if (line === undefined) return unless("ndjson", headBytes);
  if (!/[{[,]\s*$/.test(line)) return "ndjson";
  if (next === "") return unless("ndjson", headBytes);
  // An object of several lines, as `jq .` writes it: its first one goes on. One that was torn does not, and the next row is behind it.
  return next === "{" && !opensList(line) ? "ndjson" : "json";
}

const opensList = (line: string): boolean => line.split("[").length > line.split("]").length;
