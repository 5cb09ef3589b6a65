import { metricInputs } from "../rule/metric.ts";
import type { FieldRef } from "../rule/rule.ts";
import { type Input, inputOf, over } from "./input.ts";
import { type StateName, stateColumns, stateNames, stateOf } from "./metrics.ts";
import type { PlanMember } from "./plan.ts";

/**
 * The distinct aggregates of some members, in lists by kind: the counts, and one list for each kind of state. A member
 * knows its values by their places in the lists, from 1; 0 stands for the empty state.
 */
export class Aggregates {
  readonly #counts: string[] = [];
  readonly #states = new Map<StateName, string[]>();
  readonly #fields: readonly FieldRef[];

  constructor(fields: readonly FieldRef[]) {
    this.#fields = fields;
  }

  /** Takes in what a member needs. */
  add(member: PlanMember): void {
    const input = this.#inputOf(member);
    const [passed, entered] = countsOf(member, input);
    place(this.#counts, passed);
    place(this.#counts, entered);
    const state = stateOf(member);
    if (state === null) return;
    const list = this.#states.get(state.column) ?? [];
    this.#states.set(state.column, list);
    place(list, state.aggregate(input));
  }

  /** How many different aggregates there are. */
  get size(): number {
    return [this.#counts, ...this.#states.values()].reduce((sum, list) => sum + list.length, 0);
  }

  /** The kinds of state that any member has, in the order of the table's columns. */
  get states(): readonly StateName[] {
    return stateNames.filter((name) => this.#states.has(name));
  }

  /** The places of a member's values: events that passed, events that entered, then each kind of state in `states`. */
  placesOf(member: PlanMember): number[] {
    const input = this.#inputOf(member);
    const state = stateOf(member);
    const own = state?.aggregate(input);
    return [
      ...countsOf(member, input).map((count) => this.#counts.indexOf(count) + 1),
      ...this.states.map((name) => (state?.column === name ? this.#states.get(name)!.indexOf(own!) + 1 : 0)),
    ];
  }

  /** The lists as columns of the grouping. */
  columns(): string[] {
    return [
      `[${this.#counts.join(", ")}] AS counts`,
      ...this.states.map((name) => `[${this.#states.get(name)!.join(", ")}] AS ${listName(name)}`),
    ];
  }

  /** One state of a member, by the place (an expression) that it has in its list. */
  picked(name: StateName, at: string): string {
    // A place of 0 gives the default of the list's type, which is the empty state for every kind.
    return this.#states.has(name) ? `${listName(name)}[${at}]` : stateColumns[name].empty;
  }

  #inputOf(member: PlanMember): Input {
    const filter = member.filter === null ? null : `pass${member.filter}`;
    const index = member.field ?? 0;
    return inputOf(this.#fields[index] ?? { kind: "event_type" }, index, member.decimals, filter);
  }
}

const listName = (state: StateName): string => `${state}_list`;

/** The count of the events that pass the filter, and of those of them that have what the metric reads. */
function countsOf(member: PlanMember, input: Input): readonly [passed: string, entered: string] {
  const passed = input.filter === null ? "count()" : `countIf(${input.filter})`;
  const kind = metricInputs[member.metric];
  if (kind === "event") return [passed, passed];
  const number = member.decimals === undefined ? input.number : input.decimal;
  const value = kind === "number" ? number : input.text;
  return [passed, value.present === null ? passed : over("count", value, input.filter)];
}

function place(list: string[], expression: string): void {
  if (!list.includes(expression)) list.push(expression);
}
