/** Rules over the demo's flights, and the same question to an independent engine, in its own SQL. */

/** How a value may differ from the independent one. */
export type Agreement =
  | { readonly kind: "same" }
  /** Relative, for doubles that were added in another order and for estimates. */
  | { readonly kind: "near"; readonly by: number }
  /** The independent value is a list of the two neighbours of the rank. */
  | { readonly kind: "quantile"; readonly by: number }
  /** The independent value is every count, the largest first. */
  | { readonly kind: "frequent" };

export interface FlightsCase {
  readonly rule: {
    readonly rule_id: string;
    readonly window_size: string;
    readonly metric: string;
    readonly group_by?: readonly string[];
    readonly [field: string]: unknown;
  };
  /** Start of the window in ms since the epoch, of a flight. */
  readonly window: string;
  /** Columns in the order of `group_by`. */
  readonly groups: readonly string[];
  readonly value: string;
  readonly where?: string;
  readonly agreement: Agreement;
}

const hour = 3_600_000;
const day = 24 * hour;
const newYork = "America/New_York";

const multiples = (ms: number): string => `ms - ms % ${ms}`;
const local = (unit: string, zone: string): string =>
  `epoch_ms(date_trunc('${unit}', (make_timestamp(ms * 1000) AT TIME ZONE 'UTC') AT TIME ZONE '${zone}') AT TIME ZONE '${zone}')`;
/** The numbers on both sides of a rank among the sorted ones. */
const neighbours = (column: string, level: number): string =>
  `[list_sort(list(${column}))[1 + floor(${level} * (count(*) - 1))::INT], list_sort(list(${column}))[1 + ceil(${level} * (count(*) - 1))::INT]]`;

const same: Agreement = { kind: "same" };

/** Columns of a flight: `n` (place of arrival), `ms` (since the epoch), `delay`, `distance`, `cents`, `origin`, `destination`, `kind`. */
export const flightsCases: readonly FlightsCase[] = [
  {
    rule: { rule_id: "punctuality", window_size: "1h", metric: "count", group_by: ["event_type"] },
    window: multiples(hour),
    groups: ["kind"],
    value: "count(*)",
    agreement: same,
  },
  {
    rule: { rule_id: "miles", window_size: "1d", metric: "sum", field: "payload.distance" },
    window: multiples(day),
    groups: [],
    value: "sum(distance)",
    agreement: same,
  },
  {
    rule: { rule_id: "mean", window_size: "7d", metric: "avg", field: "payload.delay", group_by: ["payload.origin"] },
    window: multiples(7 * day),
    groups: ["origin"],
    value: "avg(delay)",
    agreement: { kind: "near", by: 1e-12 },
  },
  ...["min", "max"].map((metric): FlightsCase => ({
    rule: {
      rule_id: metric,
      window_size: "30d",
      metric,
      field: "payload.delay",
      group_by: ["payload.to.airport", "event_type"],
    },
    window: multiples(30 * day),
    groups: ["destination", "kind"],
    value: `${metric}(delay)`,
    agreement: same,
  })),
  {
    rule: {
      rule_id: "destinations",
      window_size: "1w",
      timezone: newYork,
      metric: "uniq_exact",
      field: "payload.to.airport",
      group_by: ["payload.origin"],
    },
    window: local("week", newYork),
    groups: ["origin"],
    value: "count(DISTINCT destination)",
    agreement: same,
  },
  {
    rule: { rule_id: "routes", window_size: "1mo", timezone: newYork, metric: "uniq", field: "user_id" },
    window: local("month", newYork),
    groups: [],
    value: "count(DISTINCT origin || '-' || destination)",
    agreement: { kind: "near", by: 0.02 },
  },
  {
    rule: { rule_id: "days", window_size: "1d", timezone: newYork, metric: "count", group_by: ["event_type"] },
    window: local("day", newYork),
    groups: ["kind"],
    value: "count(*)",
    agreement: same,
  },
  ...[
    ["p1", 0.01],
    ["p50", 0.5],
    ["p95", 0.95],
    ["p99.9", 0.999],
  ].map(([metric, level]): FlightsCase => ({
    rule: {
      rule_id: `delay_${metric}`,
      window_size: "30d",
      metric: String(metric),
      field: "payload.delay",
      group_by: ["payload.origin"],
    },
    window: multiples(30 * day),
    groups: ["origin"],
    value: neighbours("delay", Number(level)),
    agreement: { kind: "quantile", by: 0.01 },
  })),
  {
    rule: { rule_id: "rate", window_size: "1mo", timezone: newYork, metric: "rate" },
    window: local("month", newYork),
    groups: [],
    value: `count(*) * 1000 / (epoch_ms((date_trunc('month', make_timestamp(any_value(ms) * 1000) AT TIME ZONE 'UTC' AT TIME ZONE '${newYork}') + INTERVAL 1 MONTH) AT TIME ZONE '${newYork}') - min(w))`,
    agreement: { kind: "near", by: 1e-12 },
  },
  ...["first", "last"].map((metric): FlightsCase => ({
    rule: {
      rule_id: metric,
      window_size: "1d",
      metric,
      field: "payload.to.airport",
      group_by: ["payload.origin"],
    },
    window: multiples(day),
    groups: ["origin"],
    value: `${metric}(destination ORDER BY ms, n)`,
    agreement: same,
  })),
  {
    rule: {
      rule_id: "top",
      window_size: "1mo",
      metric: "top_k",
      field: "payload.to.airport",
      group_by: ["event_type"],
    },
    window: local("month", "UTC"),
    groups: ["kind"],
    value: "histogram(destination)",
    agreement: { kind: "frequent" },
  },
  ...[
    ["sum", "sum(cents) / 100.0"],
    ["max", "max(cents) / 100.0"],
    ["avg", "sum(cents) / (100.0 * count(*))"],
  ].map(([metric, value = ""]): FlightsCase => ({
    rule: {
      rule_id: `fares_${metric}`,
      window_size: "1d",
      timezone: newYork,
      metric: String(metric),
      field: "payload.fare",
      decimals: 2,
      group_by: ["payload.origin"],
    },
    window: local("day", newYork),
    groups: ["origin"],
    value,
    agreement: same,
  })),
  {
    rule: {
      rule_id: "evenings",
      window_size: "1d",
      metric: "count",
      group_by: ["payload.to.airport"],
      filter: `timestamp.getHours("${newYork}") >= 18 && payload.delay > 15 && payload.origin in ["ORD", "ATL", "DFW"] && !(payload.distance / 2 > 400.5)`,
    },
    window: multiples(day),
    groups: ["destination"],
    value: "count(*)",
    where: `hour((make_timestamp(ms * 1000) AT TIME ZONE 'UTC') AT TIME ZONE '${newYork}') >= 18 AND delay > 15
      AND origin IN ('ORD', 'ATL', 'DFW') AND distance // 2 <= 400`,
    agreement: same,
  },
  {
    rule: {
      rule_id: "s_to_s",
      window_size: "90m",
      metric: "sum",
      field: "payload.delay",
      filter:
        'payload.origin.startsWith("S") && payload.to.airport.matches("^S.*$") || size(payload.origin) != 3 || has(payload.nothing)',
    },
    window: multiples(1.5 * hour),
    groups: [],
    value: "sum(delay)",
    where: "origin LIKE 'S%' AND destination LIKE 'S%'",
    agreement: same,
  },
];
