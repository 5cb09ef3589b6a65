import { formatField } from "../../src/rule/field.ts";
import { literal } from "./slots.ts";

/** In the one form that answers have. */
export const inner = (key: string): string => formatField({ kind: "payload", path: ["under", key] });

export const byKeys = (rule_id: string, keys: readonly string[]): object => ({
  rule_id,
  window_size: "1h",
  metric: "last",
  field: "payload.text",
  group_by: ["event_type", "user_id", ...keys.map(inner)],
});

/** The keys as texts and as keys of a filter, and one of them as what the metric reads. */
export const filtered = (rule_id: string, keys: readonly string[]): object => ({
  rule_id,
  window_size: "1h",
  metric: "uniq_exact",
  field: inner(keys[0]!),
  filter: `payload.text in [${keys.map(literal).join(", ")}] && ${keys.map((key) => `has(payload.under[${literal(key)}])`).join(" && ")}`,
});

export const topUsers = {
  rule_id: "top",
  window_size: "1h",
  metric: "top_k",
  field: "user_id",
  group_by: ["payload.text"],
  filter: "has(payload.under)",
};

/** Every text as a value, as a key where it is short enough, and as id, user and type where it may be one. */
export function eventsOf(texts: readonly string[], keys: readonly string[], timestamp: number) {
  const names = texts.filter((text) => text !== "" && text.length <= 256);
  return texts.map((text, index) => {
    const name = names[index] ?? `more-${index}`;
    const values = Object.fromEntries(keys.map((key) => [key, text.slice(0, 256)]));
    return { event_id: name, user_id: name, event_type: name, timestamp, payload: { n: index, text, under: values } };
  });
}

export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}

export type Sent = ReturnType<typeof eventsOf>[number];

export const asAnswered = (event: Sent): object => ({ ...event, timestamp: "2026-01-13T01:00:00Z" });

export function withoutPlace(event: object): object {
  const kept = Object.entries(event).filter(([name]) => name !== "position" && name !== "received_at");
  return Object.fromEntries(kept);
}

export const sortedBy = (events: readonly object[]): object[] =>
  events.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
