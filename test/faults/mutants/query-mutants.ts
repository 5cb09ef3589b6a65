import type { HttpRequest } from "../../support/http-client.ts";
import { mix, type Random, seeded } from "../../support/random.ts";
import { mutated, odd } from "./mutate.ts";

/** A question, and on which of the two ports it is asked. */
export interface QueryMutant {
  readonly port: "ingest" | "query";
  readonly request: HttpRequest;
}

/** What good questions are made of. */
export interface GoodTexts {
  readonly token: string;
  /** Cursors that were answered. */
  readonly statsCursor: string;
  readonly eventsCursor: string;
  readonly now: number;
}

type Parameters = readonly (readonly [name: string, value: string])[];

/** A broken question. */
export function queryMutant(seed: number, number: number, good: GoodTexts): QueryMutant {
  const random = seeded(mix(seed) ^ mix(number + 1));
  const [path, parameters] = random.pick(questions(good));
  const port = path === "/ingest/status" ? "ingest" : "query";
  const kept = parameters.filter(() => random.chance(0.8));
  const query = random.chance(0.5) ? joined(withOddValue(kept, random)) : mutated(joined(kept), random);
  return { port, request: { method: "GET", path: `${path}?${sendable(query)}`, headers: {} } };
}

function questions({ token, statsCursor, eventsCursor, now }: GoodTexts): readonly (readonly [string, Parameters])[] {
  const span = [
    ["start_time", new Date(now - 7_200_000).toISOString()],
    ["end_time", String(now)],
  ] as const;
  const byType = ["rule_id", "count_by_type"] as const;
  return [
    [
      "/stats",
      [byType, ...span, ["order", "oldest"], ["limit", "10"], ["step", "1h"], ["fill", "zero"], ["event_type", "view"]],
    ],
    ["/stats", [["rule_id", "users"], ...span, ["group.payload.country", "DE"], ["version", "1"], ["format", "csv"]]],
    ["/stats", [byType, ["start_time", "0"], ["end_time", String(now)], ["cursor", statsCursor], ["limit", "2"]]],
    ["/stats", [byType, ...span, ["format", "parquet"], ["limit", "100000"]]],
    ["/events", [...span, ["event_type", "view"], ["user_id", "user_1"], ["event_id", "x"], ["limit", "3"]]],
    [
      "/events",
      [
        ["limit", "2"],
        ["cursor", eventsCursor],
      ],
    ],
    [
      "/ingest/status",
      [
        ["token", token],
        ["wait", "1s"],
      ],
    ],
    ["/aggregation-rules", [["as", "document"]]],
  ];
}

function withOddValue(parameters: Parameters, random: Random): Parameters {
  if (parameters.length === 0) return [[odd(random).slice(0, 300), odd(random).slice(0, 3000)]];
  const at = random.int(parameters.length);
  const value = (old: string): string =>
    (random.chance(0.5) ? odd(random).replaceAll(/^"|"$/g, "") : mutated(old, random)).slice(0, 3000);
  return parameters.map(([name, old], index) => (index === at ? [name, value(old)] : [name, old]));
}

const joined = (parameters: Parameters): string =>
  parameters.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join("&");

/** Each byte as it is or as its two digits. */
const escaped = (text: string): string =>
  text.replaceAll(/[^\w.-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** Without what no request line can have. */
const sendable = (query: string): string => query.replaceAll(/[^\x21-\x7e\x80-\xff]/g, escaped).slice(0, 10_000);
