import type { RuleSpec } from "../rule/rule.ts";
import type { Flight } from "./flights.ts";

/** A rule of the demo, and how its windows are told in one line at the end. */
export interface DemoRule {
  readonly spec: RuleSpec;
  readonly what: string;
  /** Whether windows add up: counts and sums do, means and distinct counts do not. */
  readonly adds: boolean;
}

const byOrigin = { window_size: "1d", group_by: ["payload.origin"], active: true };

export const demoRules: readonly DemoRule[] = [
  {
    spec: { rule_id: "punctuality_1h", window_size: "1h", metric: "count", group_by: ["event_type"], active: true },
    what: "flights early, on time and late (15 minutes or more), by hour",
    adds: true,
  },
  {
    spec: { rule_id: "departures_1d", metric: "count", ...byOrigin },
    what: "departures of each airport, by day",
    adds: true,
  },
  {
    spec: { rule_id: "mean_delay_1d", metric: "avg", field: "payload.delay", ...byOrigin },
    what: "mean delay at each airport in minutes, by day",
    adds: false,
  },
  {
    spec: {
      rule_id: "miles_1d",
      window_size: "1d",
      metric: "sum",
      field: "payload.distance",
      group_by: [],
      active: true,
    },
    what: "miles flown, by day",
    adds: true,
  },
  {
    spec: { rule_id: "destinations_1d", metric: "uniq_exact", field: "payload.destination", ...byOrigin },
    what: "different destinations of each airport, by day",
    adds: false,
  },
];

/** A flight as an event, `shiftMs` later than it was. Its route takes the place of a user. */
export function flightEvent(flight: Flight, shiftMs: number): object {
  const { index, departure, delay, distance, origin, destination } = flight;
  return {
    event_id: `flight-${index}`,
    user_id: `${origin}-${destination}`,
    event_type: punctuality(delay),
    timestamp: departure + shiftMs,
    payload: { delay, distance, origin, destination },
  };
}

/** The usual measure of the airlines: late is a quarter of an hour or more. */
export function punctuality(delay: number): string {
  if (delay >= 15) return "late";
  return delay < 0 ? "early" : "on_time";
}
