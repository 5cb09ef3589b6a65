import { metricInputs } from "../rule/metric.ts";
import { metricForms, stateColumns, type StateName, stateNames } from "./metrics.ts";
import type { PlanMember } from "./plan.ts";

/** The column of the events that a member reads. */
export function inputColumn(member: PlanMember): string {
  return `${metricInputs[member.metric] === "number" ? "number" : "text"}${member.field}`;
}

/**
 * The distinct aggregates of some members, in lists by kind: the counts, and one list for each kind of state. A member
 * knows its values by their places in the lists, from 1; 0 stands for the empty state.
 */
export class Aggregates {
  readonly #counts = ["count()"];
  readonly #states = new Map<StateName, string[]>(stateNames.map((name) => [name, []]));
  readonly #lateOf: (member: PlanMember) => string;

  /** `lateOf` is the condition under which an event comes late for a member. */
  constructor(lateOf: (member: PlanMember) => string) {
    this.#lateOf = lateOf;
  }

  /** The places of a member's values: entered events, late events, then each kind of state. */
  placesOf(member: PlanMember): number[] {
    const entered = metricInputs[member.metric] === "event" ? "count()" : `count(${inputColumn(member)})`;
    const late = `countIf(${this.#lateOf(member)})`;
    const state = metricForms[member.metric].state;
    const states = stateNames.map((name) =>
      state?.column === name ? place(this.#states.get(name), state.aggregate(inputColumn(member))) : 0,
    );
    return [place(this.#counts, entered), place(this.#counts, late), ...states];
  }

  /** The lists as columns of the grouping. */
  columns(): string[] {
    const states = [...this.#states].filter(([, list]) => list.length > 0);
    return [
      `[${this.#counts.join(", ")}] AS counts`,
      ...states.map(([name, list]) => `[${list.join(", ")}] AS ${listName(name)}`),
    ];
  }

  /** One state of a member, by the place that it has in its list. */
  picked(name: StateName): string {
    const { empty } = stateColumns[name];
    // A place of 0 gives the default of the list's type, which is the empty state for every kind.
    return this.#states.get(name)?.length === 0 ? empty : `${listName(name)}[${placeName(name)}]`;
  }
}

export const placeName = (state: StateName): string => `${state}_at`;

const listName = (state: StateName): string => `${state}_list`;

function place(list: string[] | undefined, expression: string): number {
  if (list === undefined) return 0;
  const known = list.indexOf(expression);
  return known === -1 ? list.push(expression) : known + 1;
}
