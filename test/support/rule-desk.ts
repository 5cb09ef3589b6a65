import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Offset, type Src, offset, src } from "../../src/event/position.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Registry } from "../../src/rule/registry.ts";
import { openSqliteRegistry } from "../../src/rule/sqlite/sqlite-registry.ts";
import { Rulebook } from "../../src/rulebook/rulebook.ts";

export interface Desk {
  readonly book: Rulebook;
  readonly registry: Registry;
  /** The log's end; each reading may run something first. */
  end: number;
  beforeEnds: (() => Promise<unknown>) | undefined;
  /** Another process with its own rulebook over the same rules and log. */
  another(): Promise<Rulebook>;
}

/** A rulebook on a registry of its own, over a log that is a number. */
export async function withDesk(run: (desk: Desk) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weir-rulebook-"));
  const open: Registry[] = [];
  const books: Rulebook[] = [];
  const openBook = async (): Promise<Rulebook> => {
    const registry = await openSqliteRegistry({ file: join(folder, "rules.sqlite") });
    open.push(registry);
    const book = new Rulebook({ registry, ends, clock: systemClock, keepReplacedMs: 60_000 });
    books.push(book);
    await book.load();
    return book;
  };
  const ends = async (): Promise<ReadonlyMap<Src, Offset>> => {
    const before = desk.beforeEnds;
    desk.beforeEnds = undefined;
    await before?.();
    return new Map([[src(0), offset(desk.end)]]);
  };
  const desk = { end: 0, beforeEnds: undefined, another: openBook } as Desk & { book: Rulebook; registry: Registry };
  desk.book = await openBook();
  desk.registry = open[0]!;
  try {
    await run(desk);
  } finally {
    for (const book of books) await book.close();
    for (const registry of open) await registry.close();
    await rm(folder, { recursive: true, force: true });
  }
}
