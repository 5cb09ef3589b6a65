import { isFinal, statsRow } from "../../protocol/stats-row.ts";
import type { RuleVersion } from "../../rule/registry.ts";
import { oldestKept } from "../../rule/retention.ts";
import type { CheckedRule } from "../../rule/rule.ts";
import type { Store, WindowRow } from "../../store/store.ts";
import type { MirrorWindow } from "./mirror.ts";

/** What is to be read, and how much of it; times are ms since the epoch. */
export interface Stretch {
  readonly version: RuleVersion;
  readonly rule: CheckedRule;
  readonly from: number;
  readonly to: number;
  readonly now: number;
  /** As in `/stats`; asked once rows have been read, as rules that came meanwhile may have had some of them dropped. */
  readonly finalThrough: () => number;
  readonly pageRows: number;
  /** How long the store may take for a page. */
  readonly secondsMax: number;
  /** More is not read: the oldest windows are left out. */
  readonly bytesMax: number;
}

export interface Stretched {
  /** From here on it is complete. */
  readonly from: number;
  /** Nothing was left out. */
  readonly isWhole: boolean;
  readonly windows: Map<number, MirrorWindow>;
}

/** Reads all rows of a stretch of windows as `/stats` has them, page by page from the newest on. */
export async function readStretch(store: Pick<Store, "windows">, stretch: Stretch): Promise<Stretched> {
  const { version, rule, to, now, secondsMax } = stretch;
  const from = Math.max(stretch.from, oldestKept(rule, now));
  const gathered = new Gathered(stretch);
  // Before its activation a version has no windows, and nobody may answer for it.
  if (version.phase === "pending" || from >= to) return gathered.whole();
  const query = {
    series: version.series,
    rule,
    from,
    to,
    filters: [],
    order: "newest",
    limit: stretch.pageRows,
  } as const;
  let page = await store.windows(query, secondsMax);
  gathered.add(page);
  while (page.length >= stretch.pageRows && gathered.bytes <= stretch.bytesMax) {
    page = await store.windows({ ...query, behind: page.at(-1)! }, secondsMax);
    gathered.add(page);
  }
  return page.length < stretch.pageRows && gathered.bytes <= stretch.bytesMax ? gathered.whole() : gathered.fitting();
}

class Gathered {
  readonly #stretch: Stretch;
  readonly #rows = new Map<number, { readonly texts: string[]; readonly open: Set<number> }>();
  #last: number | undefined;
  bytes = 0;

  constructor(stretch: Stretch) {
    this.#stretch = stretch;
  }

  add(page: readonly WindowRow[]): void {
    const { rule } = this.#stretch;
    const finalThrough = this.#stretch.finalThrough();
    for (const row of page) {
      const window = this.#rows.get(row.windowStart) ?? { texts: [], open: new Set() };
      const text = JSON.stringify(statsRow(row, rule, finalThrough));
      window.texts.push(text);
      if (!isFinal(row.windowEnd, rule, finalThrough)) window.open.add(row.windowEnd);
      this.#rows.set(row.windowStart, window);
      this.bytes += Buffer.byteLength(text) + 1;
      this.#last = row.windowStart;
    }
  }

  whole(): Stretched {
    return { from: this.#stretch.from, isWhole: true, windows: this.#windows(-Infinity) };
  }

  /** Without the window in which reading stopped, and without what is beyond the bound. */
  fitting(): Stretched {
    let left = this.#stretch.bytesMax;
    let from = this.#stretch.to;
    for (const [start, { texts }] of this.#rows) {
      for (const text of texts) left -= Buffer.byteLength(text) + 1;
      if (left < 0 || start === this.#last) break;
      from = start;
    }
    return { from, isWhole: false, windows: this.#windows(from) };
  }

  #windows(from: number): Map<number, MirrorWindow> {
    const windows = new Map<number, MirrorWindow>();
    for (const [start, { texts, open }] of this.#rows)
      if (start >= from) windows.set(start, { text: texts.join(","), open: [...open].toSorted((a, b) => a - b) });
    return windows;
  }
}

/** The window as it is when its rows that have ended by then, and have waited for late events, are final. */
export function closedThrough({ text, open }: MirrorWindow, rule: CheckedRule, finalThrough: number): MirrorWindow {
  if (open.every((end) => !isFinal(end, rule, finalThrough))) return { text, open };
  // What we wrote ourselves.
  const rows = JSON.parse(`[${text}]`) as { window_end: string; final: boolean }[];
  for (const row of rows) row.final = isFinal(Date.parse(row.window_end), rule, finalThrough);
  return {
    text: rows.map((row) => JSON.stringify(row)).join(","),
    open: open.filter((end) => !isFinal(end, rule, finalThrough)),
  };
}
