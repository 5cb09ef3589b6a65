import type { HttpRequest } from "../../support/http-client.ts";
import { mix, type Random, seeded } from "../../support/random.ts";
import { mutated } from "./mutate.ts";

const rules: readonly object[] = [
  { window_size: "10m", metric: "count", group_by: ["event_type"] },
  {
    window_size: "1h",
    hop: "5m",
    metric: "sum",
    field: "payload.price",
    decimals: 2,
    group_by: ["payload.country", "user_id"],
  },
  { window_size: "1d", timezone: "Europe/Berlin", metric: "p95.5", field: "payload.items.price", group_by: [] },
  {
    window_size: "1d",
    window_type: "cumulative",
    hop: "1h",
    metric: "uniq_exact",
    field: "user_id",
    group_by: ['payload["odd key"]'],
  },
  {
    window_size: "1m",
    metric: "rate",
    group_by: [],
    filter: 'event_type == "view" && payload.price > 10.0 && payload.country in ["DE", "FR"]',
  },
  {
    window_size: "7m",
    metric: "last",
    field: "payload.note",
    group_by: ["event_type"],
    filter: 'has(payload.deep.er) || user_id.startsWith("user_1")',
  },
  {
    window_size: "1h",
    metric: "top_k",
    field: "payload.country",
    group_by: ["event_type"],
    filter: 'event_type.matches("(?i)^[a-v\\\\d]{1,9}(w|\\\\pL)+?$") && timestamp.getHours("UTC") < 25',
  },
  {
    window_size: "1h",
    metric: "avg",
    field: "payload.price",
    group_by: ["event_type"],
    having: "value > 1 && value < 1e9",
    top_n: 3,
  },
  { window_size: "1h", metric: "count", group_by: [], allowed_lateness: "5m", late_policy: "drop", retention: "90d" },
  {
    window_size: "1w",
    metric: "max",
    field: "payload.big",
    group_by: ["payload.tags"],
    filter: "payload.price * 2.0 + 1.0 > 3.0 && !(payload.big == 7)",
  },
];

/** The rule that is changed bit by bit. */
export const victim = {
  rule_id: "victim",
  window_size: "1h",
  metric: "sum",
  field: "payload.price",
  group_by: ["event_type"],
};

/** A broken body of a request that makes or changes rules. */
export function ruleMutant(seed: number, number: number): HttpRequest {
  const random = seeded(mix(seed) ^ mix(number + 1));
  const rule = (): object => ({
    rule_id: `mutant.${number}.${random.hex(2)}`,
    ...random.pick(rules),
    active: random.chance(0.8),
  });
  const kind = random.int(10);
  if (kind < 5) return withBody("POST", "/aggregation-rule", rule(), random);
  if (kind < 6) return withBody("POST", "/aggregation-rule?dry_run=true", rule(), random);
  if (kind < 8) return withBody("PATCH", `/aggregation-rule/${victim.rule_id}`, changeOf(rule(), random), random);
  return withBody(
    "PUT",
    random.chance(0.3) ? "/aggregation-rules?dry_run=true" : "/aggregation-rules",
    { rules: [rule(), rule()] },
    random,
  );
}

/** Some fields of another rule, or an earlier version. */
function changeOf(rule: object, random: Random): object {
  if (random.chance(0.1)) return { version: 1 };
  return Object.fromEntries(Object.entries(rule).filter(([name]) => name !== "rule_id" && random.chance(0.4)));
}

function withBody(method: string, path: string, value: object, random: Random): HttpRequest {
  const text = Buffer.from(JSON.stringify(value)).toString("latin1");
  const body = Buffer.from(random.chance(0.7) ? inOneText(text, random) : mutated(text, random), "latin1");
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  return { method, path, headers, body };
}

/** Changes what stands in one of the texts, so that the body stays JSON: sizes, fields, filters. */
function inOneText(text: string, random: Random): string {
  const inner = [...text.matchAll(/:("(?:[^"\\]|\\.)*")/g)].slice(1);
  if (inner.length === 0) return mutated(text, random);
  const { index, 1: literal = "" } = random.pick(inner);
  const changed = mutated(String(JSON.parse(literal)), random);
  const at = index + 1;
  return text.slice(0, at) + Buffer.from(JSON.stringify(changed)).toString("latin1") + text.slice(at + literal.length);
}
