import type { ShapeEvent } from "../load/shape.ts";
import type { BenchRule } from "./rules.ts";
import { mix, seeded } from "../../test/support/random.ts";

type Part<Key extends keyof BenchRule> = Pick<BenchRule, Key>;

const windows: readonly Part<"window_size" | "windowSeconds">[] = [
  { window_size: "10s", windowSeconds: 10 },
  { window_size: "1m", windowSeconds: 60 },
  { window_size: "1h", windowSeconds: 3600 },
  { window_size: "1d", windowSeconds: 86_400 },
];

/** With 1, 6, 12, 72 and 900 groups. With the windows: twenty shapes. */
const groupings: readonly Part<"group_by" | "groupOf">[] = [
  { group_by: [], groupOf: () => "" },
  { group_by: ["event_type"], groupOf: (event) => event.type },
  { group_by: ["payload.country"], groupOf: (event) => event.country },
  { group_by: ["event_type", "payload.country"], groupOf: (event) => `${event.type},${event.country}` },
  { group_by: ["payload.product_id"], groupOf: (event) => String(event.product) },
];

const field = "payload.price";
const metrics: readonly Part<"metric" | "field">[] = [
  { metric: "count" },
  { metric: "sum", field },
  { metric: "max", field },
  { metric: "avg", field },
];

/** A hundred filters: of one type above a price, or of two countries below one. They let through 1 to 37 % of the events. */
const filters: readonly Part<"filter" | "passes">[] = Array.from({ length: 50 }, (_, index) => [
  aboveOfType(["page_view", "click", "search", "purchase", "add_to_cart"][index % 5]!, 10 * index),
  belowOfCountries(["DE", ["FR", "US", "GB", "IN"][index % 4]!], 20 + 9 * index),
]).flat();

/** So many rules, each of a random shape, filter and metric; the same for the same count. */
export function manyRules(count: number): readonly BenchRule[] {
  const random = seeded(mix(count));
  return Array.from({ length: count }, (_, index) => ({
    rule_id: `rule_${index}`,
    ...random.pick(windows),
    ...random.pick(groupings),
    ...random.pick(metrics),
    ...random.pick(filters),
  }));
}

function aboveOfType(type: string, price: number): Part<"filter" | "passes"> {
  return {
    filter: `event_type == "${type}" && payload.price > ${price}.5`,
    passes: (event: ShapeEvent) => event.type === type && event.cents > price * 100 + 50,
  };
}

function belowOfCountries(countries: readonly string[], price: number): Part<"filter" | "passes"> {
  return {
    filter: `payload.country in ${JSON.stringify(countries)} && payload.price < ${price}.25`,
    passes: (event: ShapeEvent) => countries.includes(event.country) && event.cents < price * 100 + 25,
  };
}
