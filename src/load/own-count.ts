import type { Rule, StatsRow } from "../../client/src/weir.ts";
import type { Happening, Shape } from "./shapes.ts";

const windowMs = 60_000;

export interface Difference {
  readonly rule: string;
  /** Window and group. */
  readonly at: string;
  readonly own: number | null;
  readonly server: number | null;
}

/** Counts the events of a run as two rules do: those of a type, and the sum of the shape. */
export class OwnCount {
  readonly #shape: Shape;
  readonly #run: string;
  readonly #counts = new Map<string, number>();
  readonly #units = new Map<string, number>();
  #from = Infinity;

  constructor(shape: Shape, run: string) {
    this.#shape = shape;
    this.#run = run;
  }

  /** Start of the first window, ms. */
  get from(): number {
    return this.#from;
  }

  /** The rules, none of whose windows has an event of somebody else. */
  get rules(): readonly Rule[] {
    const filter = `payload.run == "${this.#run}"`;
    const { summed, by, decimals } = this.#shape;
    const sum = { metric: "sum", field: `payload.${summed}`, decimals, group_by: [`payload.${by}`] } as const;
    return [
      { rule_id: `${this.#run}-count`, window_size: "1m", filter, metric: "count", group_by: ["event_type"] },
      { rule_id: `${this.#run}-sum`, window_size: "1m", filter, ...sum },
    ];
  }

  add({ event_type, payload, units }: Happening, timestamp: number): void {
    const window = Math.floor(timestamp / windowMs) * windowMs;
    this.#from = Math.min(this.#from, window);
    plus(this.#counts, keyOf(window, event_type), 1);
    if (units !== null) plus(this.#units, keyOf(window, String(payload[this.#shape.by])), units);
  }

  /** What a rule of `rules` answers otherwise than it was counted here. */
  differences({ rule_id }: Rule, rows: readonly StatsRow[]): Difference[] {
    const isSum = rule_id.endsWith("-sum");
    const group = isSum ? `payload.${this.#shape.by}` : "event_type";
    const factor = isSum ? 10 ** this.#shape.decimals : 1;
    const own = isSum ? this.#units : this.#counts;
    const server = new Map(rows.map((row) => [keyOf(Date.parse(row.window_start), row[group] as string), row.value]));
    return [...new Set([...own.keys(), ...server.keys()])].flatMap((at) => {
      const units = own.get(at);
      const pair = { own: units === undefined ? null : units / factor, server: numberOf(server.get(at)) };
      return pair.own === pair.server ? [] : [{ rule: rule_id, at, ...pair }];
    });
  }

  /** Windows and groups of both rules. */
  get size(): number {
    return this.#counts.size + this.#units.size;
  }
}

const keyOf = (windowMs: number, group: string): string => `${new Date(windowMs).toISOString()} ${group}`;
const plus = (map: Map<string, number>, key: string, value: number): void =>
  void map.set(key, (map.get(key) ?? 0) + value);
const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
