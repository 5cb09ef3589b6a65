import { hash } from "node:crypto";
import type { NewEvent } from "../../client/src/weir.ts";
import { digitsOf } from "../lib/exact-json.ts";
import { columnAt, fieldNames } from "./mapping.ts";
import { isBeyond64Bits, numberIn, parseExact } from "./exact-number.ts";
import type { Format } from "./head.ts";
import type { FieldName, Mapping, Origin, Reading } from "./mapping.ts";
import { isKeyed, Payload } from "./payload.ts";
import type { Row, RowProblem } from "./row.ts";

export interface Making {
  readonly mapping: Mapping;
  readonly format: Format;
  /** Names the file in the ids of rows that have none. */
  readonly source: string;
}

export type Made = { readonly event: NewEvent } | { readonly problems: readonly RowProblem[] };

type Values = NonNullable<Row["values"]>;

/**
 * Makes the event of a row. One without an id gets one that is made of source, number and content, so that it is the same whenever the
 * row is sent again.
 */
export function eventMaker({ mapping, format, source }: Making): (row: Row) => Made {
  const isText = format === "csv";
  // What has columns has no events as they are sent: other columns are of the payload.
  const isMapped = mapping.isGiven || isText || format === "parquet";
  const origins = [...Object.values(mapping.fields), ...mapping.keys.map(({ origin }) => origin)];
  const named = new Set(origins.map(({ column }) => column));
  return (row) => {
    const { values } = row;
    if (values === undefined)
      return { problems: [{ column: null, field: "", message: row.problem ?? "can't be read" }] };
    const problems: RowProblem[] = [];
    const event: Record<string, unknown> = isMapped
      ? mapped(values, { mapping, isText, named, problems })
      : { ...values };
    event["event_id"] ??= stableId(source, row.number, values);
    for (const field of fieldNames)
      if ((event[field] ?? null) === null && !problems.some((problem) => problem.field === field))
        problems.push(missing(field, mapping, values));
    if (row.isBroken === true && hasBroken(event)) problems.push(...notText(row, values));
    return problems.length > 0 ? { problems } : { event: event as unknown as NewEvent };
  };
}

const hasBroken = (value: unknown): boolean => JSON.stringify(value).includes("\uFFFD");

function notText({ line }: Row, values: Values): RowProblem[] {
  const message =
    line === null
      ? "has bytes that are no text; leave it out by --map, if it is not one"
      : "is not UTF-8; iconv -f latin1 -t utf8 makes it so, if it is Latin 1";
  return Object.keys(values)
    .filter((column) => hasBroken(values[column]))
    .map((column) => ({ column, field: "", message }));
}

const stableId = (source: string, number: number, values: Values): string =>
  hash("sha256", JSON.stringify([source, number, values]), "base64url").slice(0, 22);

function missing(field: FieldName, mapping: Mapping, values: Values): RowProblem {
  const column = columnAt(mapping, field);
  const has = Object.keys(values);
  const names = has.slice(0, 20).join(", ") + (has.length > 20 ? ", …" : "");
  const message =
    column !== null && !has.includes(column)
      ? `there is no ${JSON.stringify(column)} (but ${names}); --map ${field}=COLUMN says what it is`
      : "is empty";
  return { column, field, message };
}

interface Work {
  readonly mapping: Mapping;
  /** Columns are texts, of which it is guessed what they are. */
  readonly isText: boolean;
  /** Columns that something else takes than the rest. */
  readonly named: ReadonlySet<string | null>;
  readonly problems: RowProblem[];
}

type Take = (origin: Origin, field: string) => unknown;

function mapped(values: Values, work: Work): Record<string, unknown> {
  const { mapping, isText, problems } = work;
  const take: Take = (origin: Origin, field: string): unknown => {
    const found = origin.column === null ? origin.constant : valueAt(values, origin.column);
    const value = isText && found === "" ? undefined : found;
    if (value === undefined || value === null) return value;
    const how = origin.reading ?? (fieldNames.some((name) => name === field) ? field : isText ? "guess" : "as it is");
    const read = readers[how as keyof typeof readers](value);
    if (!(read instanceof Unreadable)) return read;
    problems.push({ column: origin.column, field, message: read.message, value });
    return undefined;
  };
  const event = Object.fromEntries(fieldNames.map((field) => [field, take(mapping.fields[field], field)]));
  event["payload"] = payloadOf(values, work, take);
  return event;
}

function payloadOf(values: Values, work: Work, take: Take): unknown {
  const { mapping, isText, problems } = work;
  if (mapping.payload !== null)
    return take(isText ? { ...mapping.payload, reading: "json" } : mapping.payload, "payload");
  const columns = mapping.rest ? Object.keys(values).filter((column) => !work.named.has(column)) : [];
  const payload = new Payload(columns.includes("payload") ? wholeOf(work, take) : {});
  // What has others within it first: in which order the columns stand says nothing.
  const keys = [...columns.flatMap(keyOf), ...mapping.keys].sort((a, b) => a.path.length - b.path.length);
  for (const { path, origin } of keys) {
    const field = `payload.${path.join(".")}`;
    const value = take(origin, field);
    const message = value === undefined ? undefined : payload.put(path, value);
    if (message !== undefined) problems.push({ column: origin.column, field, message });
  }
  return payload.value;
}

/** A column called `payload` is an object, of which the others are further keys. */
function wholeOf({ problems }: Work, take: Take): object {
  const column = "payload";
  const whole = take({ column, constant: "", reading: "json" }, column);
  if (isKeyed(whole)) return whole;
  if ((whole ?? null) !== null) problems.push({ column, field: column, message: "must be an object", value: whole });
  return {};
}

/** Which key of the payload a column is that nothing names. */
function keyOf(column: string): Mapping["keys"] {
  if (column === "payload") return [];
  const path = column.startsWith("payload.") ? column.split(".").slice(1) : [column];
  return [{ path, origin: { column, constant: "", reading: null } }];
}

/** A column of that name, else the keys of a path. */
function valueAt(values: Values, column: string): unknown {
  if (Object.hasOwn(values, column)) return values[column];
  let at: unknown = values;
  for (const key of column.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Values)[key];
  }
  return at;
}

class Unreadable {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const asText = (value: unknown): unknown =>
  digitsOf(value) ?? (typeof value === "string" || isObject(value) ? value : String(value));
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** Numbers as JSON has them, read as from there; 007 is none. */
const numeral = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$/;

const readers: Readonly<Record<Reading | FieldName | "guess" | "as it is", (value: unknown) => unknown>> = {
  event_id: asText,
  user_id: asText,
  event_type: asText,
  timestamp: (value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value),
  "as it is": (value) => value,
  guess: (value) => {
    if (typeof value !== "string") return value;
    if (numeral.test(value)) return isBeyond64Bits(value) ? value : (numberIn(value) ?? value);
    return value === "true" ? true : value === "false" ? false : value;
  },
  text: asText,
  number: (value) => {
    const number = typeof value === "string" ? numberIn(value) : value;
    const isNumber = typeof number === "number" || digitsOf(number) !== undefined;
    return isNumber ? number : new Unreadable("must be a number");
  },
  json: (value) => {
    if (typeof value !== "string") return value;
    try {
      return parseExact(value);
    } catch {
      return new Unreadable("must be JSON");
    }
  },
  seconds: (value) => inMs(value, 1000),
  ms: (value) => inMs(value, 1),
  utc: (value) => {
    const parts =
      typeof value === "string" ? /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?$/.exec(value) : null;
    if (parts === null) return new Unreadable("must be a time without a zone, such as 2026-01-13 10:00:00");
    const clock = parts[2] ?? "00:00:00";
    return `${parts[1]}T${clock.length === 5 ? `${clock}:00` : clock}Z`;
  },
};

function inMs(value: unknown, factor: number): unknown {
  const number = typeof value === "string" ? numberIn(value) : value;
  return typeof number === "number" && Number.isFinite(number)
    ? Math.round(number * factor)
    : new Unreadable(`must be a number of ${factor === 1 ? "milliseconds" : "seconds"} since 1970`);
}
