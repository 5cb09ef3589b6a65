import type { Offset, OffsetRange } from "../event/position.ts";
import { after, before, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import { planRollup } from "../rollup/plan.ts";
import type { Store } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import type { ProgressWriter, RuleSource, Target } from "./ports.ts";

export interface FillerDeps {
  readonly store: Store;
  readonly rules: RuleSource;
  readonly writer: BatchWriter;
  readonly progress: ProgressWriter;
  /** Up to where live processing has written a partition. */
  readonly written: (partition: number) => Offset;
  readonly chunkEventsMax: number;
  readonly report: (message: string, error: unknown) => void;
}

const fillAttemptsMax = 5;

/**
 * Fills new rule versions from raw rows: everything below their activation, in chunks, each with its mark in the same
 * part. A chunk is the same operation as a live batch on another range, so what was done before a crash is found by its
 * marks and never done twice.
 */
export class Filler {
  readonly #deps: FillerDeps;
  readonly #shares = new Map<number, number>();

  constructor(deps: FillerDeps) {
    this.#deps = deps;
  }

  /** How much of the fill of a series is done, 0 … 1. */
  share(series: number): number {
    return this.#shares.get(series) ?? 0;
  }

  /** Does the fills that can be done now, until `stop` aborts. */
  async round(stop: AbortSignal): Promise<void> {
    const { rules, progress } = this.#deps;
    const filling = (await rules.targets(await rules.current())).filter((target) => target.filling);
    progress.filling(filling.map((target) => target.activation));
    for (const target of filling) {
      if (stop.aborted || !this.#hasLiveCaughtUp(target)) continue;
      await this.#attempt(target, stop);
    }
  }

  /** A fill that the store refuses is tried again in the next round; the others don't wait for it. */
  async #attempt(target: Target, stop: AbortSignal): Promise<void> {
    try {
      if (await this.#fill(target, stop)) await this.#finish(target);
    } catch (error) {
      if (error instanceof WeirError && error.code === "stopping") throw error;
      this.#deps.report(`filling rule ${target.rule_id} from raw events failed and will be tried again`, error);
    }
  }

  /** Raw is complete below the activation only once live processing has reached it. */
  #hasLiveCaughtUp(target: Target): boolean {
    return Object.entries(target.activation).every(([partition, at]) => this.#deps.written(Number(partition)) >= at);
  }

  async #fill(target: Target, stop: AbortSignal): Promise<boolean> {
    // An earlier attempt may have been given up with a write under way: marks say nothing until that is settled.
    await this.#deps.store.settle();
    const chunks = await this.#missing(target);
    const plan = planRollup([target]);
    for (const [index, range] of chunks.entries()) {
      if (stop.aborted || !(await this.#isWanted(target))) return false;
      await this.#deps.writer.rollUp(
        { range, plan, marks: [{ series: target.series, range }], counts: null, yielding: true },
        fillAttemptsMax,
      );
      this.#shares.set(target.series, (index + 1) / chunks.length);
      passFailpoint("mid-backfill");
    }
    return true;
  }

  /** A rule may be deleted or changed again while it is filled. */
  async #isWanted({ series }: Target): Promise<boolean> {
    const { rules } = this.#deps;
    return (await rules.targets(await rules.current())).some((target) => target.series === series && target.filling);
  }

  async #finish(target: Target): Promise<void> {
    passFailpoint("before-switch");
    await this.#deps.rules.filled(target.rule_id, target.series);
    this.#shares.delete(target.series);
    this.#deps.progress.seriesChanged(target.series);
  }

  async #missing(target: Target): Promise<OffsetRange[]> {
    const chunks: OffsetRange[] = [];
    for (const [partition, at] of Object.entries(target.activation)) {
      const marks = await this.#deps.store.marks(target.series, src(Number(partition)), offset(0));
      const hole = { src: src(Number(partition)), from: offset(0), to: before(offset(at)) };
      chunks.push(...withoutMarked(hole, marks).flatMap((range) => cut(range, this.#deps.chunkEventsMax)));
    }
    return chunks;
  }
}

/** What of `range` no mark covers. `marks` are ascending and don't overlap. */
export function withoutMarked(range: OffsetRange, marks: readonly OffsetRange[]): OffsetRange[] {
  const holes: OffsetRange[] = [];
  let from = range.from;
  for (const mark of marks) {
    if (mark.from > from) holes.push({ src: range.src, from, to: before(mark.from) });
    if (mark.to >= from) from = after(mark.to);
  }
  if (from <= range.to) holes.push({ src: range.src, from, to: range.to });
  return holes;
}

function cut(range: OffsetRange, offsetsMax: number): OffsetRange[] {
  const pieces: OffsetRange[] = [];
  for (let from: number = range.from; from <= range.to; from += offsetsMax) {
    pieces.push({ src: range.src, from: offset(from), to: offset(Math.min(from + offsetsMax - 1, range.to)) });
  }
  return pieces;
}
