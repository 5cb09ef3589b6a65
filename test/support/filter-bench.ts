import type { FilterExpression, FilterField, PayloadField } from "../../src/rule/cel/expression.ts";
import { Bindings } from "../../src/rollup/bindings.ts";
import { renderCondition, renderFilter } from "../../src/rollup/filter.ts";
import { type BoundValue, type FilterScope, payloadForms } from "../../src/rollup/filter-values.ts";
import type { Statement } from "../../src/rollup/statement.ts";
import type { Connection } from "../../src/store/clickhouse/connection.ts";
import type { FilteredEvent } from "../oracle/cel.ts";
import { payloadText } from "../oracle/cel-scenarios.ts";

/** What a filter says of an event: as it is, and where only the truth of it counts. */
export interface FilterAnswer {
  readonly exact: boolean | null;
  readonly condition: boolean;
}

/** The answers of each filter, in the order of the events. One statement. */
export async function askFilters(
  connection: Connection,
  filters: readonly FilterExpression[],
  events: readonly FilteredEvent[],
): Promise<FilterAnswer[][]> {
  const rows = await connection.rows<Row>(filterStatement(filters, events));
  return filters.map((_, at) =>
    rows.map((row) => ({
      exact: row.exact[at] === null ? null : row.exact[at] === 1,
      condition: row.conditions[at] === 1,
    })),
  );
}

interface Row {
  readonly exact: readonly (number | null)[];
  readonly conditions: readonly (number | null)[];
}

/** The statement that asks filters about events. */
export function filterStatement(filters: readonly FilterExpression[], events: readonly FilteredEvent[]): Statement {
  const scope = new Columns();
  const list = (render: typeof renderFilter): string =>
    `CAST([${filters.map((filter) => render(filter, scope)).join(",\n")}], 'Array(Nullable(UInt8))')`;
  const [exact, conditions] = [list(renderFilter), list(renderCondition)];
  const columns = ["off", "event_type", "user_id", "ms"];
  const sql = `SELECT ${exact} AS exact, ${conditions} AS conditions FROM (
    SELECT ${[...columns, ...scope.forms()].join(", ")} FROM (
      SELECT ${[...columns, ...scope.raws()].join(", ")} FROM (
        SELECT arrayJoin(arrayEnumerate({types:Array(String)})) AS off, toLowCardinality({types:Array(String)}[off]) AS event_type,
          {users:Array(String)}[off] AS user_id, {times:Array(Int64)}[off] AS ms, {payloads:Array(String)}[off] AS payload)))
    ORDER BY off`;
  const parameters = {
    ...scope.parameters,
    types: events.map((event) => event.event_type),
    users: events.map((event) => event.user_id),
    times: events.map((event) => event.timestamp),
    payloads: events.map((event) => payloadText(event.payload)),
  };
  return { sql, parameters };
}

const readers = { raw: "JSONExtractRaw", length: "JSONLength", type: "JSONType" } as const;

class Columns implements FilterScope {
  readonly timestampMs = "ms";
  readonly #bindings = new Bindings();
  readonly #paths: (readonly string[])[] = [];

  bind(value: BoundValue, type: string): string {
    return this.#bindings.bind("v", type, value);
  }

  get parameters(): Readonly<Record<string, unknown>> {
    return this.#bindings.values;
  }

  raw(field: PayloadField): string {
    return `raw${this.#indexOf(field.path)}`;
  }

  number(field: PayloadField): string {
    return `number${this.#indexOf(field.path)}`;
  }

  integer(field: PayloadField): string {
    return `integer${this.#indexOf(field.path)}`;
  }

  string(field: PayloadField): string {
    return `string${this.#indexOf(field.path)}`;
  }

  length(field: PayloadField): string {
    return `length${this.#indexOf(field.path)}`;
  }

  text(field: Exclude<FilterField, PayloadField>): string {
    return field.kind;
  }

  raws(): string[] {
    return this.#paths.flatMap((path, at) => {
      const keys = path.map((key) => this.bind(key, "String")).join(", ");
      return (["raw", "length", "type"] as const).map((form) => `${readers[form]}(payload, ${keys}) AS ${form}${at}`);
    });
  }

  forms(): string[] {
    return this.#paths.flatMap((_, at) => [
      `raw${at}`,
      `length${at}`,
      ...(["number", "integer", "string"] as const).map(
        (form) => `${payloadForms[form](`raw${at}`, `type${at}`)} AS ${form}${at}`,
      ),
    ]);
  }

  #indexOf(path: readonly string[]): number {
    const known = this.#paths.findIndex((other) => JSON.stringify(other) === JSON.stringify(path));
    return known === -1 ? this.#paths.push(path) - 1 : known;
  }
}
