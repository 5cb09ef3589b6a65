import { WeirError } from "../../client/src/weir.ts";
import type { LiveState, StatsRow, Weir } from "../../client/src/weir.ts";
import { cut, widthOf } from "./cells.ts";
import { harmless } from "./table.ts";
import { painted, sayJson } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { windowTable } from "./windows.ts";

export interface TailWish {
  readonly rule: string;
  readonly from: string | null;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/**
 * `weir tail`: the windows of a rule as they change, until the signal. On a terminal a table that is drawn anew, as long as the
 * screen; else every row that is new or has changed, and each that has gone, a line each.
 * @throws WeirError why the rule can't be followed.
 */
export async function runTail(
  weir: Pick<Weir, "live" | "rules">,
  wish: TailWish,
  terminal: Terminal,
  complain: (text: string) => void,
): Promise<void> {
  const { rule, from, intervalMs, signal } = wish;
  const show = terminal.json ? lineByLine(terminal, complain) : redrawn(terminal);
  try {
    await mustAnswer(weir, wish, complain);
    for await (const state of weir.live(rule, { intervalMs, signal, ...(from && { from }) })) {
      show(state);
      // Whoever reads slowly gets the newest state next.
      await terminal.taken();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A line is opened again and again: that nobody answers at all, or that there is no such rule, is said first. */
async function mustAnswer(
  { rules }: Pick<Weir, "rules">,
  { rule, signal }: TailWish,
  complain: (text: string) => void,
): Promise<void> {
  try {
    await rules.get(rule, { signal });
  } catch (error) {
    const isBusy = error instanceof WeirError && error.code !== "no_answer" && error.canRetry;
    if (!isBusy) throw error;
    complain(`${harmless(error.message)}; trying again\n`);
  }
}

/** Draws over what it drew before. */
function redrawn(terminal: Terminal): (state: LiveState) => void {
  let drawn = 0;
  return (state) => {
    const lines = screen(state, terminal);
    const back = drawn > 0 ? `\u001B[${drawn}A` : "";
    // Of each line, and of the screen below, nothing of before is left. (Behind a full line, its last character would be cleared.)
    terminal.write(`${back}${lines.map((line) => `\u001B[K${line}\n`).join("")}\u001B[J`);
    drawn = lines.length;
  };
}

/** What is shown of a state: as much as the screen has lines for. */
export function screen(state: LiveState, terminal: Pick<Terminal, "columns" | "lines" | "hasColours">): string[] {
  const { rule, status, rows, complete } = state;
  const room = Math.max(1, terminal.lines() - cursorLines);
  // Beside the title, the head, and what is left out.
  const rowsMax = Math.max(1, room - 3);
  const columns = Number.isFinite(terminal.columns()) ? terminal.columns() : usualColumns;
  const [head = "", ...lines] = windowTable(rows.slice(0, rowsMax), columns);
  const colour = { connecting: "yellow", live: "green", stale: "yellow", ended: "red" } as const;
  const words = { connecting: "connecting", live: "live", stale: "connection lost, resuming", ended: "ended" }[status];
  const lacking = complete === false ? " (may lack events)" : "";
  const left = rows.length - lines.length;
  // A line that wraps would not be drawn over. The name gives way first, but never as a whole.
  const name = cut(harmless(rule), Math.max(1, columns - ` ${words}${lacking}`.length));
  const fitted = filling(columns);
  const title = [
    painted(terminal, "bold", fitted(name)),
    painted(terminal, colour[status], fitted(` ${words}`)),
    painted(terminal, "yellow", fitted(lacking)),
  ];
  const dim = (text: string): string => painted(terminal, "dim", cut(text, columns));
  // Where there is too little room, the newest row says more than the head, and both more than how many are left out.
  const heads = rows.length > 0 && room > 2 ? [painted(terminal, "bold", head)] : [];
  const body = rows.length === 0 ? [dim("no windows yet")] : lines;
  const further = left > 0 ? [dim(`… and ${left} older rows`)] : [];
  return [title.join(""), ...heads, ...body, ...further].slice(0, room);
}

/** Where the cursor stands below what was drawn. */
const cursorLines = 1;
/** Of a terminal that does not say how wide it is: a line that wraps would not be drawn over. */
const usualColumns = 80;

/** Cuts texts of a line one after the other to what is left of it. */
function filling(columns: number): (text: string) => string {
  let room = columns;
  return (text) => {
    const fitting = room > 0 ? cut(text, room) : "";
    room -= widthOf(fitting);
    return fitting;
  };
}

/** Tells what is different from the state before. */
function lineByLine(terminal: Terminal, complain: (text: string) => void): (state: LiveState) => void {
  let before = new Map<string, string>();
  let isStale = false;
  return ({ rule, status, rows }) => {
    if (status === "stale" && !isStale)
      complain(`${harmless(rule)}: connection lost, or the rule was changed; waiting\n`);
    else if (status === "live" && isStale) complain(`${harmless(rule)}: live again\n`);
    isStale = status === "stale" || (isStale && status !== "live");
    if (status !== "live") return;
    const now = new Map(rows.map((row) => [keyOf(row), JSON.stringify(row)]));
    for (const [key, text] of [...now].reverse()) if (before.get(key) !== text) terminal.write(`${text}\n`);
    for (const [key, text] of before)
      if (!now.has(key)) sayJson(terminal, { gone: true, ...(JSON.parse(text) as StatsRow) });
    before = now;
  };
}

/** Everything of a row but what changes. */
const keyOf = ({ value: _value, final: _final, ...row }: StatsRow): string => JSON.stringify(row);
