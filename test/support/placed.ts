import type { OracleEvent } from "../oracle/model.ts";
import type { Scenario } from "../oracle/scenarios.ts";

/** Events that lie beside each other in a partition and are rolled up at once. */
export interface PlacedRange {
  readonly src: number;
  readonly from: number;
  readonly to: number;
  readonly events: readonly OracleEvent[];
}

/** In the order in which they are rolled up, each in the next of the partitions, the first of which has this number. */
export function placed({ events, cuts, partitions = 1 }: Scenario, first: number): PlacedRange[] {
  return ranges(cuts, events.length).map(([from, to], index) => ({
    src: first + (index % partitions),
    from,
    to,
    events: events.slice(from, to + 1),
  }));
}

function ranges(cuts: readonly number[], count: number): [number, number][] {
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % (count + 1)), count])].toSorted((a, b) => a - b);
  const all = bounds.slice(1).map((end, index): [number, number] => [bounds[index]!, end - 1]);
  return (cuts[0] ?? 0) % 2 === 1 ? all.toReversed() : all;
}
