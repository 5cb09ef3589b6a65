/** Every place of a rule where a client may put a text. */

export interface RuleSlot {
  readonly name: string;
  /** A rule with the text in this place. */
  readonly rule: (text: string) => object;
  /** Where the mistake is told to be, when the text is refused. */
  readonly path: RegExp;
  /** Any well-formed text that is short enough is right here. */
  readonly free?: true;
}

// Paused, so that nothing has to be filled: what they count is another test.
const base = { rule_id: "attacked", window_size: "1m", metric: "count", active: false };
const sum = { ...base, metric: "sum" };
const key = (text: string): string => `payload[${JSON.stringify(text)}]`;

/** The text as a literal of CEL: as in JSON, with what CEL's strings can't hold escaped. */
export const literal = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f");

export const ruleSlots: readonly RuleSlot[] = [
  ...["rule_id", "window_size", "window_type", "hop", "timezone", "metric", "filter", "having"].map(
    (name): RuleSlot => ({ name, rule: (text) => ({ ...base, [name]: text }), path: new RegExp(`^${name}`) }),
  ),
  ...["allowed_lateness", "late_policy", "active", "group_by", "top_n", "max_groups", "retention"].map(
    (name): RuleSlot => ({
      name,
      rule: (text) => ({ ...base, [name]: text }),
      path: new RegExp(`^${name}`),
    }),
  ),
  { name: "decimals", rule: (text) => ({ ...sum, field: "payload.n", decimals: text }), path: /^decimals/ },
  { name: "calendar", rule: (text) => ({ ...base, window_size: "1d", timezone: text }), path: /^timezone/ },
  { name: "field", rule: (text) => ({ ...sum, field: text }), path: /^field/ },
  { name: "field behind payload.", rule: (text) => ({ ...sum, field: `payload.${text}` }), path: /^field/ },
  { name: "field in quotes", rule: (text) => ({ ...sum, field: `payload["${text}"]` }), path: /^field/ },
  { name: "key of a field", rule: (text) => ({ ...sum, field: key(text) }), path: /^field/, free: true },
  { name: "key of a group", rule: (text) => ({ ...base, group_by: [key(text)] }), path: /^group_by/, free: true },
  { name: "item of group_by", rule: (text) => ({ ...base, group_by: [text] }), path: /^group_by/ },
  {
    name: "text of a filter",
    rule: (text) => ({ ...base, filter: `event_type == ${literal(text)} || payload.a in [${literal(text)}, "b"]` }),
    path: /^filter/,
    free: true,
  },
  {
    name: "searched text of a filter",
    rule: (text) => ({ ...base, filter: `user_id.contains(${literal(text)}) || user_id.startsWith(${literal(text)})` }),
    path: /^filter/,
    free: true,
  },
  {
    name: "key of a filter",
    rule: (text) => ({ ...base, filter: `has(payload[${literal(text)}]) && payload[${literal(text)}] == 1` }),
    path: /^filter/,
    free: true,
  },
  { name: "quoted in a filter", rule: (text) => ({ ...base, filter: `event_type == "${text}"` }), path: /^filter/ },
  {
    name: "pattern of a filter",
    rule: (text) => ({ ...base, filter: `event_type.matches(${literal(text)})` }),
    path: /^filter/,
  },
  {
    name: "zone of a filter",
    rule: (text) => ({ ...base, filter: `timestamp.getHours(${literal(text)}) == 1` }),
    path: /^filter/,
  },
  { name: "name of a function", rule: (text) => ({ ...base, filter: `${text}(event_type)` }), path: /^filter/ },
  {
    name: "text of having",
    rule: (text) => ({ ...base, having: `value > 1 && value != ${literal(text)}` }),
    path: /^having/,
  },
  { name: "a key of its own", rule: (text) => ({ ...base, [text]: 1 }), path: /^/ },
];

/** A rule with the text in every place at once where any text may be. At most 128 bytes. */
export const everywhere = (text: string): object => ({
  rule_id: "tried",
  window_size: "1h",
  metric: "last",
  field: key(text),
  group_by: [key(text), "event_type"],
  filter: `has(payload.n) || event_type in [${literal(text)}] || payload[${literal(text)}].contains(${literal(text)})`,
});

/** Parameters that are no free text, each with an address in which its value is missing. `%s` stands for it. */
export const parameterSlots = {
  query: [
    ...["start_time", "end_time", "limit", "cursor"].map((name) => ["GET", `/events?${name}=%s`] as const),
    ...["limit", "cursor"].map((name) => ["GET", `/rejects?${name}=%s`] as const),
    ["DELETE", "/rejects?position=%s"],
    ["GET", "/erasures?limit=%s"],
    ["GET", "/aggregation-rules?as=%s"],
    ["PUT", "/aggregation-rules?delete=%s"],
    ["POST", "/aggregation-rule?dry_run=%s"],
  ],
  ingest: [
    ["POST", "/ingest?wait=%s"],
    ["POST", "/ingest?partial=%s"],
    ["GET", "/ingest/status?token=&wait=%s"],
  ],
} as const;

/** Parameters of `/stats` that are no free text. */
export const statsParameters = [
  ...["rule_id", "start_time", "end_time", "order", "limit", "cursor", "format"],
  ...["step", "fill", "version", "group.payload.other", "null_group"],
];
