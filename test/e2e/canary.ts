/** Rules and events that attacks must leave as they are. */

/** The day of the events. */
export const start = Date.UTC(2026, 0, 13);

const canaryRule = {
  rule_id: "canary",
  window_size: "1h",
  metric: "sum",
  field: "payload.n",
  filter: "has(payload.canary)",
  group_by: ["event_type", "user_id", "payload.a"],
};
export const plainEvent = (index: number) => ({
  event_id: `plain-${index}`,
  user_id: `u${index % 3}`,
  event_type: "plain",
  timestamp: start + index * 1000,
  payload: { n: index, a: `a${index % 2}`, canary: true },
});
/** The same in every kind of window, and how `/stats` is asked for it besides. */
export const canaryRules = [
  { ...canaryRule, reading: "" },
  { ...canaryRule, rule_id: "canary.hopping", hop: "10m", reading: "&step=1d" },
  { ...canaryRule, rule_id: "canary.growing", hop: "10m", window_type: "cumulative", reading: "&fill=zero" },
  { ...canaryRule, rule_id: "canary.filled", reading: "&fill=zero&order=oldest" },
  { ...canaryRule, rule_id: "canary.top", metric: "min", top_n: 2, having: "value >= 0", reading: "" },
];
export const isCanary = (id: string): boolean => id.startsWith("canary");
