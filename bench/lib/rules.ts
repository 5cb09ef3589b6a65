import type { Acknowledged } from "../load/protocol.ts";
import { type Shape, type ShapeEvent, shapeEvents } from "../load/shape.ts";

/** A rule of the bench, with how the bench itself computes it from what it sent. */
export interface BenchRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly windowSeconds: number;
  readonly metric: "count" | "sum" | "avg" | "min" | "max" | "uniq_exact";
  readonly field?: string;
  readonly group_by: readonly string[];
  /** A condition in CEL, and the same for the bench; both or neither. */
  readonly filter?: string;
  readonly passes?: (event: ShapeEvent) => boolean;
  readonly groupOf: (event: ShapeEvent) => string;
}

const type = (event: ShapeEvent): string => event.type;
const country = (event: ShapeEvent): string => event.country;
const price = "payload.price";

/** Ten rules as a shop would have them: windows of 10 s to a day, 5 to 900 groups, every metric. */
export const benchRules: readonly BenchRule[] = [
  { ...every("10s", 10), rule_id: "events_10s", metric: "count", group_by: ["event_type"], groupOf: type },
  { ...every("1m", 60), rule_id: "events_1m", metric: "count", group_by: ["event_type"], groupOf: type },
  { ...every("1m", 60), rule_id: "revenue_1m", metric: "sum", field: price, group_by: ["event_type"], groupOf: type },
  { ...every("1m", 60), rule_id: "by_country_1m", metric: "count", group_by: ["payload.country"], groupOf: country },
  {
    ...every("1m", 60),
    rule_id: "dearest_1m",
    metric: "max",
    field: price,
    group_by: ["payload.country"],
    groupOf: country,
  },
  { ...every("5m", 300), rule_id: "cheapest_5m", metric: "min", field: price, group_by: ["event_type"], groupOf: type },
  {
    ...every("5m", 300),
    rule_id: "mean_5m",
    metric: "avg",
    field: price,
    group_by: ["payload.country"],
    groupOf: country,
  },
  {
    ...every("10m", 600),
    rule_id: "users_10m",
    metric: "uniq_exact",
    field: "user_id",
    group_by: ["event_type"],
    groupOf: type,
  },
  {
    ...every("1h", 3600),
    rule_id: "products_1h",
    metric: "sum",
    field: price,
    group_by: ["payload.product_id"],
    groupOf: (event) => String(event.product),
  },
  {
    ...every("1d", 86_400),
    rule_id: "events_1d",
    metric: "count",
    group_by: ["event_type", "payload.country"],
    groupOf: (event) => `${event.type},${event.country}`,
  },
];

/** The value of every group key of an event that is only sent to see when it arrives; its rows are not compared. */
export const probeGroup = "probe";

/** Such an event. It is of now, as the others are: an old one would make the server look for its id in the store. */
export function probeEvent(id: string, marker?: string): object {
  const payload = { country: probeGroup, product_id: probeGroup, ...(marker === undefined ? {} : { marker }) };
  return { event_id: id, user_id: probeGroup, event_type: probeGroup, timestamp: Date.now(), payload };
}

/** The rule in the form of the wire. */
export function wireRule(rule: BenchRule): object {
  const { rule_id, window_size, metric, field, group_by, filter } = rule;
  return { rule_id, window_size, metric, ...(field && { field }), ...(filter && { filter }), group_by, active: true };
}

/** What was acknowledged of one load. */
export interface AcknowledgedLoad {
  readonly shape: Shape;
  readonly acknowledged: readonly Acknowledged[];
}

interface Sums {
  n: number;
  cents: number;
  min: number;
  max: number;
  readonly users: Set<string>;
}

/**
 * Every window of every rule, recomputed from the acknowledged requests alone.
 * @returns per rule the value by `window_start` (ms) and group.
 */
export function expectedWindows(
  rules: readonly BenchRule[],
  loads: readonly AcknowledgedLoad[],
): Map<string, Map<string, number>> {
  const sums = rules.map(() => new Map<string, Sums>());
  for (const { shape, acknowledged } of loads) {
    for (const [body, panes] of byBodyAndPane(acknowledged)) {
      const events = shapeEvents(shape, body);
      for (const [pane, n] of panes) rules.forEach((rule, index) => addAll(sums[index]!, rule, events, pane, n));
    }
  }
  return new Map(rules.map((rule, index) => [rule.rule_id, finishAll(rule, sums[index]!)]));
}

/** Where an expected value stands; the row's group values are joined as `/stats` gives them. */
export function expectedKey(windowStartMs: number, group: string): string {
  return `${windowStartMs} ${group}`;
}

const paneSeconds = 10;

/** All windows are made of 10-second panes, so that a body is walked once a pane and not once a request. */
function byBodyAndPane(acknowledged: readonly Acknowledged[]): Map<number, Map<number, number>> {
  const bodies = new Map<number, Map<number, number>>();
  for (const { second, body, n } of acknowledged) {
    const pane = Math.floor(second / paneSeconds) * paneSeconds;
    const panes = bodies.get(body) ?? new Map<number, number>();
    bodies.set(body, panes.set(pane, (panes.get(pane) ?? 0) + n));
  }
  return bodies;
}

function addAll(
  windows: Map<string, Sums>,
  rule: BenchRule,
  events: readonly ShapeEvent[],
  pane: number,
  n: number,
): void {
  const start = Math.floor(pane / rule.windowSeconds) * rule.windowSeconds * 1000;
  for (const event of events) {
    if (rule.passes?.(event) === false) continue;
    const key = expectedKey(start, rule.groupOf(event));
    let sums = windows.get(key);
    if (sums === undefined) windows.set(key, (sums = { n: 0, cents: 0, min: Infinity, max: 0, users: new Set() }));
    sums.n += n;
    sums.cents += n * event.cents;
    sums.min = Math.min(sums.min, event.cents);
    sums.max = Math.max(sums.max, event.cents);
    if (rule.metric === "uniq_exact") sums.users.add(event.user);
  }
}

function finishAll(rule: BenchRule, windows: ReadonlyMap<string, Sums>): Map<string, number> {
  return new Map(Array.from(windows, ([key, sums]) => [key, finish(rule, sums)]));
}

function finish(rule: BenchRule, sums: Sums): number {
  switch (rule.metric) {
    case "count":
      return sums.n;
    case "sum":
      return sums.cents / 100;
    case "avg":
      return sums.cents / 100 / sums.n;
    case "min":
      return sums.min / 100;
    case "max":
      return sums.max / 100;
    case "uniq_exact":
      return sums.users.size;
  }
}

function every(window_size: string, windowSeconds: number): { window_size: string; windowSeconds: number } {
  return { window_size, windowSeconds };
}
