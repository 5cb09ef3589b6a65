/** The keys of an event that come from columns. */
export const fieldNames = ["event_id", "user_id", "event_type", "timestamp"] as const;
export type FieldName = (typeof fieldNames)[number];

/** How the text of a column is read, where it is not to be guessed. */
export const readings = ["text", "number", "json", "seconds", "ms", "utc"] as const;
export type Reading = (typeof readings)[number];

/** Where a value comes from: a column (or a path of keys into JSON), or what was given itself. */
export interface Origin {
  readonly column: string | null;
  readonly constant: string;
  readonly reading: Reading | null;
}

/** Which column is which part of an event. */
export interface Mapping {
  readonly fields: Readonly<Record<FieldName, Origin>>;
  /** The payload as a whole; null where it is made of keys. */
  readonly payload: Origin | null;
  readonly keys: readonly { readonly path: readonly string[]; readonly origin: Origin }[];
  /** Columns that nothing else takes are keys of the payload. */
  readonly rest: boolean;
  /** Columns that were named; a file that lacks one of them is not the one that was meant. */
  readonly columns: readonly string[];
  /** False: nothing was said, and rows that are events already are sent as they are. */
  readonly isGiven: boolean;
}

/**
 * Reads `user_id=customer,timestamp=ts:seconds,payload.price=price:number,payload.*=rest`. A field that is not named is the
 * column of its name; of the payload that holds only while nothing of it is named.
 * @returns the mapping, or every mistake in it.
 */
export function parseMapping(text: string | null): Mapping | readonly string[] {
  const problems: string[] = [];
  const given = new Map<string, Origin | "rest">();
  for (const entry of text === null ? [] : entries(text)) {
    const problem = readEntry(entry, given);
    if (problem !== undefined) problems.push(`${JSON.stringify(entry)} ${problem}`);
  }
  if (given.has("payload") && [...given.keys()].some((target) => target.startsWith("payload.")))
    problems.push("payload is given as a whole and by its keys; take one of them");
  problems.push(...nested([...given.keys()]));
  return problems.length > 0 ? problems : mappingOf(given);
}

const column = (name: string): Origin => ({ column: name, constant: "", reading: null });

function mappingOf(given: ReadonlyMap<string, Origin | "rest">): Mapping {
  const field = (name: string): Origin => {
    const origin = given.get(name);
    return origin === undefined || origin === "rest" ? column(name) : origin;
  };
  const keys = [...given].flatMap(([target, origin]) =>
    target.startsWith("payload.") && origin !== "rest" ? [{ path: target.split(".").slice(1), origin }] : [],
  );
  const whole = given.get("payload");
  const isUnsaid = whole === undefined && keys.length === 0;
  return {
    fields: {
      event_id: field("event_id"),
      user_id: field("user_id"),
      event_type: field("event_type"),
      timestamp: field("timestamp"),
    },
    payload: whole === undefined || whole === "rest" ? null : whole,
    keys,
    rest: given.has("payload.*") || isUnsaid,
    columns: [...given.values()].flatMap((origin) => (origin === "rest" ? [] : (origin.column ?? []))),
    isGiven: given.size > 0,
  };
}

/** Keys within what is itself a column's value. */
const nested = (targets: readonly string[]): string[] =>
  targets.flatMap((target) => {
    const value = targets.find((other) => other.startsWith("payload.") && target.startsWith(`${other}.`));
    return value === undefined ? [] : [`${target} can't be, as ${value} is a value and has no keys`];
  });

/** The parts between commas, but for those in quotes. */
const entries = (text: string): string[] =>
  [...text.matchAll(/(?:"(?:[^"\\]|\\.)*"|[^",]|")+/g)].map(([entry]) => entry.trim()).filter((entry) => entry !== "");

/** @returns what is wrong with it. */
function readEntry(entry: string, given: Map<string, Origin | "rest">): string | undefined {
  const at = entry.indexOf("=");
  if (at <= 0 || at === entry.length - 1) return "is not field=column";
  const target = entry.slice(0, at).trim();
  const isField = fieldNames.some((name) => name === target);
  if (!isField && !/^payload(\.[^.\s]+)*$/.test(target))
    return `begins with no field: they are ${fieldNames.join(", ")}, payload, payload.NAME and payload.*`;
  if (given.has(target)) return "gives a field a second time";
  const source = entry.slice(at + 1).trim();
  if ((target === "payload.*") !== (source === "rest"))
    return target === "payload.*" ? "can only be payload.*=rest" : 'takes "rest", which is for payload.* alone';
  const origin = source === "rest" ? source : originOf(source);
  if (origin === undefined) return 'has a quote that is not closed; a name in quotes is "a, b" or "a \\" b"';
  given.set(target, origin);
  return undefined;
}

function originOf(source: string): Origin | undefined {
  const reading = readings.find((name) => source.endsWith(`:${name}`)) ?? null;
  const bare = reading === null ? source : source.slice(0, -reading.length - 1);
  if (bare.startsWith("const:")) return { column: null, constant: unquoted(bare.slice(6)) ?? "", reading };
  const name = unquoted(bare);
  return name === undefined ? undefined : { ...column(name), reading };
}

function unquoted(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** Which column a part of an event came from, by its path in the event; null when from none. */
export function columnAt({ fields, payload, keys, rest }: Mapping, path: string): string | null {
  const field = fieldNames.find((name) => path === name);
  if (field !== undefined) return fields[field].column;
  const key = keys.find(({ path: parts }) => path === `payload.${parts.join(".")}`);
  if (key !== undefined) return key.origin.column;
  if (payload !== null) return payload.column;
  return rest && path.startsWith("payload.") ? path.slice("payload.".length) : null;
}
