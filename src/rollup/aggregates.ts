import { metricInputs } from "../rule/metric.ts";
import type { FieldRef } from "../rule/rule.ts";
import { type Input, inputOf, over } from "./input.ts";
import { type StateName, stateColumns, stateNames, stateOf } from "./metrics.ts";
import type { PlanMember } from "./plan.ts";

/** What members read alike: the same filter, the same values. They differ in what they keep of them. */
interface Slot {
  /** Counts the events that pass the filter, … */
  readonly passed: string;
  /** … and those of them that have what the metric reads. */
  readonly entered: string;
  readonly states: Map<StateName, string>;
}

/**
 * The distinct aggregates of some members, ordered by slots: one list for each kind of value, all of them as long as there
 * are slots. So the lists are spread to rows side by side; a list that each row had to pick from would be copied for each.
 */
export class Aggregates {
  readonly #slots: Slot[] = [];
  readonly #fields: readonly FieldRef[];

  constructor(fields: readonly FieldRef[]) {
    this.#fields = fields;
  }

  /** Takes in what a member needs. */
  add(member: PlanMember): void {
    const [passed, entered, state] = this.#readBy(member);
    const slot = this.#slots[this.slotOf(member)] ?? this.#slots.find((one) => hasRoom(one, passed, entered, state));
    if (slot !== undefined) return void (state && slot.states.set(state.column, state.aggregate));
    this.#slots.push({ passed, entered, states: new Map(state ? [[state.column, state.aggregate]] : []) });
  }

  /** How many different aggregates there are. */
  get size(): number {
    return new Set(this.#slots.flatMap(({ passed, entered, states }) => [passed, entered, ...states.values()])).size;
  }

  get slots(): number {
    return this.#slots.length;
  }

  /** The kinds of state that any member has, in the order of the table's columns. */
  get states(): readonly StateName[] {
    return stateNames.filter((name) => this.#slots.some(({ states }) => states.has(name)));
  }

  /** The slot of a member that was taken in; -1 for another one. */
  slotOf(member: PlanMember): number {
    const [passed, entered, state] = this.#readBy(member);
    return this.#slots.findIndex(
      (slot) =>
        slot.passed === passed &&
        slot.entered === entered &&
        (state === null || slot.states.get(state.column) === state.aggregate),
    );
  }

  /** The lists as columns of the grouping: each is called `…_list`. A slot without such a state has the empty one. */
  columns(): string[] {
    const list = (name: string, items: readonly string[]): string => `[${items.join(", ")}] AS ${name}_list`;
    return [
      list(
        "passed",
        this.#slots.map(({ passed }) => passed),
      ),
      list(
        "entered",
        this.#slots.map(({ entered }) => entered),
      ),
      ...this.states.map((name) =>
        list(
          name,
          this.#slots.map(({ states }) => states.get(name) ?? stateColumns[name].filler),
        ),
      ),
    ];
  }

  #readBy(member: PlanMember): readonly [passed: string, entered: string, state: StateRead | null] {
    const input = this.#inputOf(member);
    const form = stateOf(member);
    const state = form === null ? null : { column: form.column, aggregate: form.aggregate(input) };
    return [...countsOf(member, input), state];
  }

  #inputOf(member: PlanMember): Input {
    const filter = member.filter === null ? null : `pass${member.filter}`;
    const index = member.field ?? 0;
    return inputOf(this.#fields[index] ?? { kind: "event_type" }, index, member.decimals, filter);
  }
}

interface StateRead {
  readonly column: StateName;
  readonly aggregate: string;
}

/** Whether what is read is the slot's, and no other aggregate has the place of the state. */
const hasRoom = (slot: Slot, passed: string, entered: string, state: StateRead | null): boolean =>
  slot.passed === passed && slot.entered === entered && (state === null || !slot.states.has(state.column));

/** The count of the events that pass the filter, and of those of them that have what the metric reads. */
function countsOf(member: PlanMember, input: Input): readonly [passed: string, entered: string] {
  const passed = input.filter === null ? "count()" : `countIf(${input.filter})`;
  const kind = metricInputs[member.metric];
  if (kind === "event") return [passed, passed];
  const number = member.decimals === undefined ? input.number : input.decimal;
  const value = kind === "number" ? number : input.text;
  return [passed, value.present === null ? passed : over("count", value, input.filter)];
}
