import type { StatsRow, Weir } from "../../client/src/weir.ts";
import { painted, say, sayJson } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { windowTable } from "./windows.ts";

export interface StatsWish {
  readonly rule: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly step: string | null;
  /** Rows at most; null is all. */
  readonly limit: number | null;
  /** Nobody reads on. */
  readonly signal: AbortSignal;
}

const incomplete =
  "windows may lack events: the rule is being filled or is paused, or this server has not heard of a change of rules yet";

/** `weir stats`: the windows of a rule, page by page. @throws WeirError */
export async function runStats(weir: Pick<Weir, "stats">, wish: StatsWish, terminal: Terminal): Promise<void> {
  const { rule, from, to, step, limit, signal } = wish;
  const asked = { rule, ...(from && { from }), ...(to && { to }), ...(step && { step }) };
  let left = limit ?? Infinity;
  let told = 0;
  for await (const { data, complete } of weir.stats.pages({ ...asked, limit: Math.min(1000, left) })) {
    const rows = data.slice(0, left);
    left -= rows.length;
    tellPage(terminal, rows, told === 0);
    told += rows.length;
    if (!complete && left >= 0 && told === rows.length && !terminal.json)
      say(terminal, painted(terminal, "yellow", incomplete));
    await terminal.taken();
    if (left === 0 || signal.aborted) return;
  }
  if (told === 0 && !terminal.json) say(terminal, `no windows of ${rule} between these times; --from 0 shows all`);
}

function tellPage(terminal: Terminal, rows: readonly StatsRow[], isFirst: boolean): void {
  if (terminal.json) return rows.forEach((row) => sayJson(terminal, row));
  if (rows.length === 0) return;
  const [head = "", ...lines] = windowTable(rows, terminal.columns());
  if (isFirst) say(terminal, painted(terminal, "bold", head));
  for (const line of lines) say(terminal, line);
}
