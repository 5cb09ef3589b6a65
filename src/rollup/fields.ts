import type { FieldRef } from "../rule/rule.ts";
import type { Bindings } from "./bindings.ts";
import { payloadForms } from "./filter-values.ts";
import { decimalColumn } from "./input.ts";
import { decimalType } from "./metrics.ts";
import { textOf } from "./value.ts";

/** The forms in which a field may be read; each is a column of its own. */
export type FieldForm = keyof typeof forms | "length" | { readonly places: number };

/** From this many top-level keys on, a payload is taken apart once instead of being searched for each of them. */
const keysForPairs = 3;

/** Of the JSON text of a payload value. Null where the value is of another type. */
const forms = {
  raw: (raw: string): string => raw,
  text: textOf,
  ...payloadForms,
} as const;

/**
 * The columns that read the fields of a plan: each in those forms alone that somebody asked for, once. Named by the
 * field's index: `raw3` is its JSON text, `number3` its number.
 */
export class FieldColumns {
  readonly #fields: readonly FieldRef[];
  readonly #bindings: Bindings;
  readonly #columns = new Map<string, string>();
  readonly #inPairs: boolean;

  constructor(fields: readonly FieldRef[], bindings: Bindings) {
    this.#fields = fields;
    this.#bindings = bindings;
    const top = new Set(fields.flatMap((field) => (isTop(field) ? [field.path[0]] : [])));
    this.#inPairs = top.size >= keysForPairs;
  }

  /** The name of the column, which is made if it is new. `event_type` and `user_id` are texts in every form. */
  column(index: number, form: FieldForm): string {
    const field = this.#fields[index]!;
    if (field.kind !== "payload") return this.#add(`text${index}`, field.kind);
    if (form === "length") return this.#lengthOf(index, field.path);
    const raw = this.#raw(index, field.path);
    if (typeof form === "object") return this.#add(decimalColumn(index, form.places), decimalOf(raw, form.places));
    return form === "raw"
      ? raw
      : this.#add(`${form}${index}`, forms[form](raw, this.#inPayload("JSONType", field.path)));
  }

  /** How many items or keys a payload value has: read in the payload itself. */
  #lengthOf(index: number, path: readonly string[]): string {
    return this.#add(`length${index}`, this.#inPayload("JSONLength", path));
  }

  #inPayload(name: "JSONLength" | "JSONType" | "JSONExtractRaw", path: readonly string[]): string {
    return `${name}(payload, ${path.map((key) => this.#bindings.bind("key", "String", key)).join(", ")})`;
  }

  get all(): readonly (readonly [name: string, sql: string])[] {
    return [...this.#columns];
  }

  #raw(index: number, path: readonly string[]): string {
    if (!this.#inPairs || path.length > 1) return this.#add(`raw${index}`, this.#inPayload("JSONExtractRaw", path));
    this.#add("pairs", "JSONExtractKeysAndValuesRaw(payload)");
    this.#add("names", "pairs.1");
    this.#add("texts", "pairs.2");
    // A key that is not there gives the empty text, as a search for it does.
    return this.#add(`raw${index}`, `texts[indexOf(names, ${this.#bindings.bind("key", "String", path[0]!)})]`);
  }

  #add(name: string, sql: string): string {
    if (!this.#columns.has(name)) this.#columns.set(name, sql);
    return name;
  }
}

/**
 * Read with many places, so that what is cut off is rounded; and kept with those of the table: the engine adds up in the type of
 * what it reads, beyond its end from its other end on, and six numbers of 46 digits are too much for one of 30 places.
 */
const decimalOf = (raw: string, places: number): string =>
  `CAST(round(toDecimal256OrNull(${raw}, 30), ${places}), 'Nullable(${decimalType})')`;

/**
 * A key of the payload itself. What lies deeper is searched for in the payload: the engine writes a part's text anew, 1e20
 * as a whole number that it can't read again, and then all that is in the part would be missing.
 */
const isTop = (field: FieldRef): field is Extract<FieldRef, { readonly kind: "payload" }> =>
  field.kind === "payload" && field.path.length === 1;
