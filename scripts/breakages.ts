/** A fault put into the product, and the test that has to see it. */
export interface Breakage {
  readonly row: string;
  readonly what: string;
  /** Where the text stands, once, that becomes the other. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly test: string;
  /** Only the tests whose names begin so. */
  readonly only?: string;
}

const faults = "test/faults";
const ignoredMarks = {
  what: "a start takes what was committed for the truth, and not the marks",
  file: "src/processor/recover.ts",
  from: "const next = endOfMarked(",
  to: "const next = ((one: Offset, _: unknown) => (endOfMarked(one, []), one))(",
};

export const breakages: readonly Breakage[] = [
  { row: "R1", ...ignoredMarks, test: `${faults}/kill.fault.test.ts`, only: "R1" },
  { row: "R2", ...ignoredMarks, test: `${faults}/syscall.fault.test.ts` },
  {
    row: "R4",
    what: "after a sync that failed the log goes on",
    file: "src/log/embedded/fault.ts",
    from: "outcomeUnknown: true, fatal: true };",
    to: "outcomeUnknown: true, fatal: false };",
    test: `${faults}/sync.fault.test.ts`,
    only: "R4: after",
  },
  {
    row: "R4",
    what: "a change of rules whose sync failed is taken for not made",
    file: "src/rule/sqlite/transactions.ts",
    from: "this.#inDoubt = true;",
    to: "this.#inDoubt = false;",
    test: `${faults}/sync-registry.fault.test.ts`,
  },
  {
    row: "R7",
    what: "a write whose answer was lost is sent again without a look",
    file: "src/processor/batch-writer.ts",
    from: "if (await isDone()) break;",
    to: "await this.#store.settle(src);",
    test: `${faults}/proxy.engine.test.ts`,
  },
  {
    row: "R11",
    what: "an event that the store refuses is left out without a word",
    file: "src/processor/batch-writer.ts",
    from: "if (rejects.length > 0) await",
    to: "if (rejects.length > 1e9) await",
    test: `${faults}/poison.load.test.ts`,
  },
  {
    row: "R12",
    what: "repeats of what is forgotten are not looked up",
    file: "src/processor/batch.ts",
    from: "if (!known.has(keyText(key))) continue;",
    to: "if (known.has(keyText(key)) || true) continue;",
    test: `${faults}/repeats.fault.test.ts`,
  },
  {
    row: "R13",
    what: "windows go by the time of reception",
    file: "src/rollup/events.ts",
    from: '["at", "toUnixTimestamp64Milli(timestamp)"]',
    to: '["at", "toUnixTimestamp64Milli(received_at)"]',
    test: `${faults}/clock.fault.test.ts`,
  },
  {
    row: "R14",
    what: "a fill that was interrupted begins anew beside what it has written",
    file: "src/processor/fill-work.ts",
    from: "withoutMarked(range, marksOf(marks, range.src))",
    to: "withoutMarked(range, marksOf(marks.slice(0, 0), range.src))",
    test: `${faults}/history.fault.test.ts`,
  },
  {
    row: "R17",
    what: "who watches is not told when windows change by a fill, an erasure or a switch of versions",
    file: "src/live/exact/exact-feeds.ts",
    from: "if (feed.series === series) feed.touchAll();",
    to: "if (feed.series === -series) feed.touchAll();",
    test: "src/live/exact/exact-property.simulation.test.ts",
  },
  {
    row: "erasing",
    what: "events are erased, windows are not made anew",
    file: "src/eraser/eraser.ts",
    from: "await windows.rebuild();",
    to: "await Promise.resolve();",
    test: "test/e2e/edits.engine.test.ts",
  },
];
