import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/** What an option's value is: how to read it from text, what is right, and how to show it. */
export interface Kind<T> {
  /** In the help, e.g. `port`. */
  readonly placeholder: string;
  /** What is right, to follow "expected", e.g. `a port, 0 to 65535 (0 asks the system for a free one)`. */
  readonly expected: string;
  /** On the command line the option is given without a value, and means this. */
  readonly alone?: string;
  /** The text that `null` and `false` in the file stand for; without it they are no values of this kind. */
  readonly nothing?: string;
  /** The texts that `false` and `true` in the file stand for, where both are values of this kind. */
  readonly truth?: readonly [whenFalse: string, whenTrue: string];
  /** Undefined when the text is not a value of this kind. */
  parse(text: string): T | undefined;
  /** Text that `parse` reads back to the same value. */
  format(value: T): string;
}

export const text = (placeholder: string, expected: string, pattern = /\S/): Kind<string> => ({
  placeholder,
  expected,
  parse: (given) => (pattern.test(given) ? given : undefined),
  format: (value) => value,
});

export const count = (min: number, max: number): Kind<number> => ({
  placeholder: "n",
  expected: `a whole number from ${min} to ${max}`,
  parse: (given) => within(/^\d+$/.test(given) ? Number(given) : undefined, min, max),
  format: String,
});

export const size = (min: number, max: number): Kind<number> => ({
  placeholder: "size",
  expected: `a size such as 32MiB, from ${formatSize(min)} to ${formatSize(max)}`,
  parse: (given) => within(parseSize(given), min, max),
  format: formatSize,
});

export const duration = (min: number, max: number): Kind<number> => ({
  placeholder: "time",
  expected: `a duration such as 500ms, 5s or 1d, from ${formatDuration(min)} to ${formatDuration(max)}`,
  parse: (given) => within(parseDuration(given), min, max),
  format: formatDuration,
});

export const port: Kind<number> = {
  ...count(0, 65_535),
  placeholder: "port",
  expected: "a port, 0 to 65535 (0 asks the system for a free one)",
};

export const choice = <T extends string>(...values: readonly T[]): Kind<T> => ({
  placeholder: values.join("|"),
  expected: `one of ${values.join(", ")}`,
  ...(["off", "on"].every((truth) => values.some((value) => value === truth)) ? { truth: ["off", "on"] } : {}),
  parse: (given) => values.find((value) => value === given),
  format: (value) => value,
});

/** `off` is null. */
export const orOff = <T>(kind: Kind<T>): Kind<T | null> => ({
  placeholder: `${kind.placeholder}|off`,
  expected: `${kind.expected}, or off`,
  nothing: "off",
  parse: (given) => (given === "off" ? null : kind.parse(given)),
  format: (value) => (value === null ? "off" : kind.format(value)),
});

/** Separated by commas; an array in the file. `none` is the empty list. */
export const list = <T>(of: Kind<T>, placeholder: string): Kind<readonly T[]> => ({
  placeholder,
  expected: `a list with commas between; each ${of.expected}`,
  nothing: "none",
  parse: (given) => {
    if (given === "none") return [];
    const values = given.split(",").map((part) => of.parse(part.trim()));
    return values.some((value) => value === undefined) ? undefined : values.filter((value) => value !== undefined);
  },
  format: (values) => (values.length === 0 ? "none" : values.map((value) => of.format(value)).join(",")),
});

/** As `list`, with one at least. */
export const some = <T>(of: Kind<T>, placeholder: string): Kind<readonly T[]> => {
  const { nothing: _, ...any } = list(of, placeholder);
  return { ...any, parse: (given) => (given === "none" ? undefined : any.parse(given)) };
};

export const yesNo: Kind<boolean> = {
  placeholder: "true|false",
  expected: "true or false",
  truth: ["false", "true"],
  parse: (given) => (given === "true" ? true : given === "false" ? false : undefined),
  format: String,
};

/** Of a server that is given user and password otherwise: these would show in lists of processes and in messages. */
export const serverUrl = (...schemes: readonly string[]): Kind<string> => ({
  placeholder: "url",
  expected: `an address such as ${schemes[0]}://host:8123, without user, password, path and query`,
  parse: (given) => {
    if (!URL.canParse(given)) return undefined;
    const { protocol, origin: of, username, password, pathname, search, hash } = new URL(given);
    const isPlain = username === "" && password === "" && pathname === "/" && search === "" && hash === "";
    return isPlain && schemes.includes(protocol.slice(0, -1)) ? of : undefined;
  },
  format: (value) => value,
});

export const url = (...schemes: readonly string[]): Kind<string> => ({
  placeholder: "url",
  expected: `an address such as ${schemes[0]}://host, without user, password and query`,
  parse: (given) => {
    if (!URL.canParse(given)) return undefined;
    const { protocol, username, password, search, hash } = new URL(given);
    const isPlain = username === "" && password === "" && search === "" && hash === "";
    return isPlain && schemes.includes(protocol.slice(0, -1)) ? given : undefined;
  },
  format: (value) => value,
});

/** An address with one host or several, which a URL can't have. */
export const addresses = (...schemes: readonly string[]): Kind<string> => ({
  placeholder: "url",
  expected: `an address such as ${schemes[0]}://host:port,host:port/database`,
  parse: (given) =>
    new RegExp(`^(?:${schemes.map(RegExp.escape).join("|")})://[^/?\\s]+(?:[/?]\\S*)?$`).test(given)
      ? given
      : undefined,
  format: (value) => value,
});

/** As it stands in a request's `Host`, without the port. */
export const hostName: Kind<string> = {
  placeholder: "name",
  expected: "a host name such as weir.example.com (no port), or *",
  parse: (given) =>
    given === "*" || /^[a-z\d_](?:[a-z\d_.-]*[a-z\d_])?$/i.test(given) ? given.toLowerCase() : undefined,
  format: (value) => value,
};

/** `scheme://host[:port]` in the form in which browsers send it. */
export const origin: Kind<string> = {
  placeholder: "origin",
  expected: "an origin such as https://dashboard.example.com (no path), or *",
  parse: (given) => (given === "*" || (URL.canParse(given) && new URL(given).origin === given) ? given : undefined),
  format: (value) => value,
};

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
