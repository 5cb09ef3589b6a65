import type { Rule } from "../../client/src/weir.ts";
import type { LoadEvent, Run } from "./events.ts";

/** A rule of the load test, and how the same is computed from the events by plain arithmetic. */
export interface LoadRule {
  readonly rule: Rule;
  readonly windowMs: number;
  /** Between the starts of windows; the window itself where these do not overlap. */
  readonly hopMs: number;
  readonly passes: (event: LoadEvent) => boolean;
  readonly groupOf: (event: LoadEvent) => readonly string[];
  /** Takes the event in; what is answered is the new state. */
  readonly add: (state: State, event: LoadEvent) => void;
  readonly value: (state: State) => number;
}

export interface State {
  count: number;
  cents: number;
  most: number;
  readonly users: Set<string>;
}

export const newState = (): State => ({ count: 0, cents: 0, most: 0, users: new Set() });

const minute = 60_000;
const all = (): boolean => true;
const cents = (event: LoadEvent): number => Math.round(event.payload.price * 100);
const add = (state: State, event: LoadEvent): void => {
  state.count += 1;
  state.cents += cents(event);
  state.most = Math.max(state.most, cents(event));
};

/** Rules of different metrics, windows, groups and filters. Their names and filters are of this run. */
export function loadRules(run: Run): readonly LoadRule[] {
  const own = `payload.run == ${JSON.stringify(run.id)}`;
  const rule = (name: string, rest: Omit<Rule, "rule_id" | "filter">, filter = own): Rule => ({
    rule_id: `${run.id}-${name}`,
    filter,
    ...rest,
  });
  return [
    {
      rule: rule("ways", { window_size: "1m", metric: "count", group_by: ["payload.way"] }),
      ...{ windowMs: minute, hopMs: minute, passes: all, groupOf: (event) => [event.payload.way], add },
      value: ({ count }) => count,
    },
    {
      rule: rule("types", { window_size: "10s", metric: "count", group_by: ["event_type"] }),
      ...{ windowMs: 10_000, hopMs: 10_000, passes: all, groupOf: (event) => [event.event_type], add },
      value: ({ count }) => count,
    },
    {
      rule: rule("revenue", {
        ...{ window_size: "1m", metric: "sum", field: "payload.price", decimals: 2 },
        group_by: ["event_type", "payload.country"],
      }),
      ...{ windowMs: minute, hopMs: minute, passes: all, add },
      groupOf: (event) => [event.event_type, event.payload.country],
      value: (state) => state.cents / 100,
    },
    {
      rule: rule("dearest", {
        window_size: "5m",
        metric: "max",
        field: "payload.price",
        group_by: ["payload.country"],
      }),
      ...{ windowMs: 5 * minute, hopMs: 5 * minute, passes: all, groupOf: (event) => [event.payload.country], add },
      value: ({ most }) => most / 100,
    },
    {
      rule: rule("users", { window_size: "1m", metric: "uniq_exact", field: "user_id", group_by: [] }),
      ...{ windowMs: minute, hopMs: minute, passes: all, groupOf: () => [] },
      add: ({ users }, { user_id }) => void users.add(user_id),
      value: ({ users }) => users.size,
    },
    {
      rule: rule(
        "sales",
        { window_size: "5m", hop: "1m", metric: "count", group_by: ["payload.country"] },
        `${own} && event_type == "purchase" && payload.price >= 100.0`,
      ),
      ...{ windowMs: 5 * minute, hopMs: minute, add },
      passes: (event) => event.event_type === "purchase" && event.payload.price >= 100,
      groupOf: (event) => [event.payload.country],
      value: ({ count }) => count,
    },
  ];
}

/** Each rule's windows by `windowKey`, computed from the events alone. */
export function expectedWindows(
  rules: readonly LoadRule[],
  events: Iterable<LoadEvent>,
): Map<LoadRule, Map<string, number>> {
  const states = rules.map(() => new Map<string, State>());
  for (const event of events)
    for (const [index, rule] of rules.entries()) if (rule.passes(event)) enter(states[index]!, rule, event);
  return new Map(
    rules.map((rule, index) => [rule, new Map([...states[index]!].map(([key, state]) => [key, rule.value(state)]))]),
  );
}

function enter(windows: Map<string, State>, rule: LoadRule, event: LoadEvent): void {
  const group = rule.groupOf(event);
  const newest = Math.floor(event.timestamp / rule.hopMs) * rule.hopMs;
  for (let start = newest; start > event.timestamp - rule.windowMs; start -= rule.hopMs) {
    const key = windowKey(start, group);
    let state = windows.get(key);
    if (state === undefined) windows.set(key, (state = newState()));
    rule.add(state, event);
  }
}

/** Names a window and group for people, too. */
export const windowKey = (startMs: number, group: readonly unknown[]): string =>
  [new Date(startMs).toISOString().replace(".000Z", "Z"), ...group.map(String)].join(" ");
