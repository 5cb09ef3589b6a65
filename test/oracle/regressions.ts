/**
 * What random rounds have found, made small, and what they would hardly meet: played before any of them. A new case is
 * pasted from the failure's message.
 */
import { now, type Scenario } from "./scenarios.ts";

export interface Regression {
  readonly name: string;
  readonly scenario: Scenario;
}

const minute = 60_000;
const plain = { event_id: "e", event_type: "t", user_id: "u", payload: {} };

export const regressions: readonly Regression[] = [
  {
    name: "a group of windows that are kept no more takes no room, nor is it told as overflow; of hopping ones the last that holds it decides",
    scenario: {
      rules: [{}, { window_size: "10m", hop: "1m", retention: "10m" }, { metric: "sum", field: "payload.price" }].map(
        (more) => ({
          ...{ rule_id: "r", window_size: "1m", metric: "count", group_by: ["user_id"], max_groups: 1 },
          ...{ retention: "1h", ...more },
        }),
      ),
      // One every two minutes for two hours, and one just now. Some have nothing to sum.
      events: Array.from({ length: 60 }, (_, index) => index).map((index) => ({
        ...{ ...plain, event_id: `${index}`, user_id: index < 59 ? `old${index % 7}` : "new" },
        ...{ timestamp: now - (59 - index) * 2 * minute, receivedAt: now },
        payload: index % 3 === 0 ? { price: index } : {},
      })),
      cuts: [20, 40],
      pick: 1,
    },
  },
  {
    name: "what lies beside a number of 1e20 is found, also where payloads are taken apart at the top",
    scenario: {
      rules: ["payload.a", "payload.c", "payload.b.a"].map((field) => ({
        ...{ rule_id: "r", window_size: "1m", metric: "max", field },
      })),
      events: [
        {
          ...{ ...plain, timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 },
          payload: { a: 1, b: { large: 123456789012345680000, a: 7 }, c: 2 },
        },
      ],
      cuts: [],
      pick: 0,
    },
  },
  {
    name: "a double that is an integer is found by its value, which is not that of its shortest digits",
    scenario: {
      rules: [
        "payload.a == 1.2345678901234568e18",
        "payload.b.a < 1234567890123456770",
        "payload.a == payload.b.a",
      ].map((filter) => ({ ...{ rule_id: "r", window_size: "1m", metric: "sum", field: "payload.c" }, filter })),
      events: [
        {
          ...{ ...plain, timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 },
          payload: { a: 1234567890123456768, b: { a: 1234567890123456768 }, c: 2 },
        },
      ],
      cuts: [],
      pick: 0,
    },
  },
  {
    name: "a day in Berlin that holds the first hours of 1970 ends with the calendar's day, not with UTC's",
    scenario: {
      rules: [
        {
          rule_id: "r",
          window_size: "1w",
          window_type: "cumulative",
          hop: "1d",
          timezone: "Europe/Berlin",
          metric: "count",
        },
      ],
      events: [{ ...plain, timestamp: 0, receivedAt: 90_000_000 }],
      cuts: [],
      pick: 0,
    },
  },
  {
    name: "a decimal of more than 53 bits becomes the nearest double, not one that was rounded twice",
    scenario: {
      rules: ["sum", "avg", "min", "max"].map((metric) => ({
        ...{ rule_id: "r", window_size: "1m", group_by: ["user_id"] },
        ...{ metric, field: "payload.price", decimals: 9 },
      })),
      events: [10047514.740740733, 10102948.604938257, 10110867.728395047, 10205897.209876513].map((price, index) => ({
        ...{ ...plain, event_id: `e${index}`, user_id: `u${index}` },
        ...{ timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000, payload: { price } },
      })),
      cuts: [2],
      pick: 0,
    },
  },
  {
    name: "a mean of decimals is the nearest double: of three times 0.1 it is 0.1, and that of 0.1, 0.2 and 0.3 is 0.2",
    scenario: {
      rules: [{}, { having: "value >= 0.1" }, { window_size: "2m", window_type: "cumulative", hop: "1m" }].map(
        (own) => ({
          ...{
            rule_id: "r",
            window_size: "1m",
            group_by: ["user_id"],
            metric: "avg",
            field: "payload.price",
            decimals: 2,
          },
          ...own,
        }),
      ),
      events: [
        ...[0.1, 0.1, 0.1].map((price) => ["same", price] as const),
        ...[0.1, 0.2, 0.3].map((price) => ["steps", price] as const),
        ...[-0.1, -0.1, -0.1].map((price) => ["below", price] as const),
        ...[0.01, 0, 0].map((price) => ["little", price] as const),
        ...[1e16, 1, 1].map((price) => ["large", price] as const),
        ...[9e45, 9e45, 9e45, 1].map((price) => ["huge", price] as const),
      ].map(([user_id, price], index) => ({
        ...{ ...plain, event_id: `e${index}`, user_id, payload: { price } },
        ...{ timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 },
      })),
      cuts: [2, 5],
      pick: 0,
    },
  },
  {
    name: "a quantile is at its place also where the double of its level times the others is a little less",
    scenario: {
      rules: ["p29", "p57", "p58", "p0.1", "p99.9", "p28.9"].map((metric) => ({
        ...{ rule_id: "r", window_size: "1m", group_by: ["user_id"], metric, field: "payload.x" },
      })),
      // Of 101 numbers, in order, those at the places 29, 57 and 58 are the first of their kind.
      events: [29, 57, 58].flatMap((place) =>
        Array.from({ length: 101 }, (_, index) => ({
          ...{ ...plain, event_id: `e${place}-${index}`, user_id: `${place}` },
          ...{ timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 },
          payload: { x: index < place ? 1 : 1000 },
        })),
      ),
      cuts: [40],
      pick: 0,
    },
  },
  {
    name: "a group that no event has entered takes up no room: one without a price, and one whose events come late and are dropped",
    scenario: {
      rules: [
        {
          rule_id: "r",
          window_size: "1m",
          metric: "sum",
          field: "payload.price",
          group_by: ["user_id"],
          max_groups: 1,
        },
        { rule_id: "r", window_size: "1m", metric: "count", group_by: ["user_id"], max_groups: 1, late_policy: "drop" },
      ],
      events: [{}, { price: 1 }, { price: 2 }, { price: 4 }].map((payload, index) => ({
        ...{ ...plain, event_id: `e${index}`, user_id: index === 0 ? "a" : "b", payload },
        ...{ timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 + (index === 0 ? 90_000 : 0) },
      })),
      cuts: [4, 1],
      pick: 0,
    },
  },
  {
    name: "the largest decimals that are taken add up to more than one of them can be",
    scenario: {
      rules: ["sum", "avg", "min", "max"].map((metric) => ({
        ...{ rule_id: "r", window_size: "1m", group_by: ["user_id"] },
        ...{ metric, field: "payload.price", decimals: 2 },
      })),
      events: Array.from({ length: 20 }, (_, index) => ({
        ...{ ...plain, event_id: `e${index}`, user_id: `u${index % 2}` },
        ...{ timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000, payload: { price: 9e45 } },
      })),
      cuts: [],
      pick: 0,
    },
  },
  {
    name: "of more than ten equally frequent values the first by text are the ten, however they came together",
    scenario: {
      rules: [
        { rule_id: "r", window_size: "1m", metric: "top_k", field: "payload.x" },
        { rule_id: "r", window_size: "1m", window_type: "cumulative", hop: "10s", metric: "top_k", field: "payload.x" },
      ],
      events: Array.from({ length: 60 }, (_, index) => ({
        ...{ ...plain, event_id: `e${index}`, timestamp: 1_768_298_400_000 + index * 900 },
        ...{ receivedAt: 1_768_298_400_000, payload: { x: `'\\\u0000 ${(index * 7) % 20}` } },
      })),
      cuts: [7, 23, 41],
      pick: 0,
    },
  },
  {
    name: "rules that group by the same keys in another order, or by panes that come out alike, have their own rows each",
    scenario: {
      rules: [
        { rule_id: "r", window_size: "1m", metric: "count", group_by: ["user_id", "event_type"] },
        { rule_id: "r", window_size: "1m", metric: "count", group_by: ["event_type", "user_id"] },
        { rule_id: "r", window_size: "30s", metric: "count", allowed_lateness: "60s" },
        { rule_id: "r", window_size: "60s", metric: "count", allowed_lateness: "30s" },
        { rule_id: "r", window_size: "90s", metric: "count" },
      ],
      events: [0, 1, 2].map((index) => ({
        ...{ ...plain, event_id: `e${index}`, user_id: `u${index % 2}` },
        ...{ timestamp: 1_768_298_400_000 + index * 40_000, receivedAt: 1_768_298_480_000 },
      })),
      // Two ranges: one is rolled up as of events that lie close together, the other of scattered ones.
      cuts: [2],
      pick: 0,
    },
  },
];
