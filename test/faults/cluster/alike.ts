import assert from "node:assert/strict";
import { allStats, postCounted, putRule, rulesSettled } from "../../support/api.ts";
import { type Random, seeded } from "../../support/random.ts";
import type { ServerProcess } from "../../support/server-process.ts";
import type { WireEvent } from "../ledger.ts";

/** A rule as it is sent, and in which further ways its windows are read. */
interface Kind {
  readonly rule: { readonly rule_id: string } & Readonly<Record<string, unknown>>;
  readonly readings: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const kind = (id: string, fields: Fields, ...readings: readonly string[]): Kind => ({
  rule: { rule_id: `alike_${id}`, group_by: [], active: true, ...fields },
  readings: ["", ...readings],
});

const of = (metric: string, field: string): Fields => ({ metric, field });
const amount = (metric: string): Fields => of(metric, "payload.amount");
const price = (metric: string): Fields => ({ ...of(metric, "payload.price"), decimals: 2 });
const byType = { group_by: ["event_type"] };
const byCountry = { group_by: ["payload.country"] };

/**
 * Every metric and every kind of window, in turns with whatever else a rule may say. Only a bound of groups that is reached is not
 * among them: who comes in first is for the order of arrival to say, and there are several.
 */
export const kindsOfRules: readonly Kind[] = [
  kind("count", { window_size: "1m", metric: "count", ...byType }, "&step=1h", "&event_type=click&order=oldest"),
  kind("event_count", { window_size: "7m", metric: "event_count" }, "&fill=zero"),
  kind("active_users", { window_size: "1d", metric: "active_users", ...byCountry }, "&null_group=payload.country"),
  kind("rate", { window_size: "90m", metric: "rate", ...byType, having: "value > 0.005" }),
  kind("sum", { window_size: "10m", hop: "2m", ...amount("sum"), ...byCountry }, "&step=1d"),
  kind("sum_exact", { window_size: "1d", timezone: "Europe/Berlin", ...price("sum") }, "&step=1w"),
  kind("avg", { window_size: "1h", ...amount("avg"), group_by: ["event_type", "payload.device.os"] }),
  kind("avg_exact", { window_size: "1w", timezone: "America/New_York", ...price("avg"), ...byType }),
  kind("min", { window_size: "1d", hop: "2h", window_type: "cumulative", ...amount("min") }, "&fill=zero"),
  kind("max", { window_size: "5m", ...amount("max"), ...byCountry, top_n: 2 }),
  kind("min_exact", { window_size: "1mo", ...price("min"), ...byCountry }),
  kind("max_exact", { window_size: "1mo", hop: "1d", window_type: "cumulative", ...price("max") }),
  kind("uniq", { window_size: "7d", ...of("uniq", "user_id") }, "&step=14d"),
  kind("uniq_hopping", { window_size: "1h", hop: "20m", ...of("uniq", "payload.item"), ...byType }),
  kind("uniq_exact", { window_size: "6d", hop: "1d", ...of("uniq_exact", "user_id"), ...byType }),
  kind("p50", { window_size: "1d", ...amount("p50"), ...byType }, "&step=1mo"),
  kind("p99.9", { window_size: "6h", hop: "1h", ...of("p99.9", "payload.price") }),
  kind("first", { window_size: "1h", ...of("first", "payload.item"), ...byCountry }, "&step=1d"),
  kind("last", { window_size: "1d", hop: "6h", ...of("last", "payload.device.os"), ...byType }),
  kind("top_k", { window_size: "1d", ...of("top_k", "payload.item"), ...byType }, "&step=1w"),
  kind("filtered", { window_size: "1h", metric: "count", filter: 'payload.country in ["DE", "FR"]' }),
  kind("filtered_sum", { window_size: "1h", ...price("sum"), filter: 'event_type == "click" && payload.price > 10.0' }),
  kind("chosen", { window_size: "1h", metric: "count", group_by: ["user_id"], having: "value >= 2", top_n: 3 }),
  kind("kept", { window_size: "1h", metric: "count", ...byType, retention: "10d" }),
  kind("on_time", { window_size: "1m", metric: "count", allowed_lateness: "10d", late_policy: "drop" }),
  kind("many", { window_size: "1h", ...amount("sum"), group_by: ["payload.device.os", "user_id"], max_groups: 9_000 }),
];

const dayMs = 86_400_000;
/** Days ago, in two heaps: whatever is decided by the clock is decided for a whole heap, and never between two askings. */
const heaps = [4, 24];
const [eventsEach, everyMs, requestEvents] = [2_000, 60_000, 250];

/** No two have one time, of which the first and the last would be those of the lower position. */
function eventsOf(random: Random, now: number): WireEvent[] {
  const events = heaps.flatMap((days) =>
    Array.from({ length: eventsEach }, (_, number) => {
      const at = now - days * dayMs + number * everyMs + random.int(everyMs);
      return eventOf(random, `alike-${days}-${number}`, at);
    }),
  );
  return events
    .map((event) => ({ event, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

/** Amounts are quarters, so that sums of doubles are exact in every order. */
function eventOf(random: Random, id: string, at: number): WireEvent {
  const payload = {
    amount: random.chance(0.95) ? random.int(40_000) / 4 - 500 : random.pick([null, "12", true]),
    price: random.int(10_000) / 100,
    country: random.pick(["DE", "FR", "US", null]),
    item: random.pick([random.int(300), `item ${random.int(30)}`, random.chance(0.5)]),
    ...(random.chance(0.8) ? { device: { os: random.pick(["ios", "android", ""]) } } : {}),
  };
  const who = { event_id: id, user_id: `user_${random.int(3_000)}`, event_type: random.pick(["view", "click", "buy"]) };
  return { ...who, timestamp: new Date(at).toISOString(), payload };
}

/** A part of the events comes twice, some of them to two processes at once. */
function requestsOf(events: readonly WireEvent[], random: Random): WireEvent[][] {
  const requests: WireEvent[][] = [];
  for (let from = 0; from < events.length; from += requestEvents)
    requests.push([
      ...events.slice(from, from + requestEvents),
      ...Array.from({ length: 20 }, () => events[random.int(from + 1)]!),
    ]);
  return requests;
}

/**
 * All that is answered of the rules by each of these, which count together: every second rule is made before the events come, the
 * others are filled.
 */
export async function answersOf(
  servers: readonly ServerProcess[],
  seed: number,
  now: number,
): Promise<Map<string, Record<string, unknown>[]>[]> {
  const random = seeded(seed);
  const requests = requestsOf(eventsOf(random, now), random);
  const put = async (those: 0 | 1): Promise<void> => {
    for (const [index, { rule }] of kindsOfRules.entries())
      if (index % 2 === those) await putRule(servers[index % servers.length]!.queryUrl, rule);
  };
  const postHalf = (half: 0 | 1): Promise<unknown> =>
    Promise.all(
      requests
        .filter((_, index) => index < requests.length / 2 === (half === 0))
        .map((events, index) => postCounted(servers[index % servers.length]!.ingestUrl, events)),
    );
  await put(0);
  await postHalf(0);
  await postHalf(1);
  await put(1);
  const all = kindsOfRules.map(({ rule }) => rule.rule_id);
  // Those that were made last are filled first where they were made; the other may say of them what it has known before.
  for (const { queryUrl } of servers.toReversed()) await rulesSettled(queryUrl, undefined, all);
  return Promise.all(servers.map(({ queryUrl }) => answersAt(queryUrl, now)));
}

async function answersAt(queryUrl: string, now: number): Promise<Map<string, Record<string, unknown>[]>> {
  const found = new Map<string, Record<string, unknown>[]>();
  for (const { rule, readings } of kindsOfRules)
    for (const reading of readings) {
      const rows = await allStats(queryUrl, rule.rule_id, now - 60 * dayMs, now - dayMs, reading);
      assert.ok(rows.length > 0, `${rule.rule_id}${reading} answers nothing, which proves nothing`);
      found.set(`${rule.rule_id}${reading}`, rows);
    }
  return found;
}
