/**
 * The only place where a value becomes part of a statement. The engine has no other way to bind values that is not
 * serialised over the whole process, so a value is set as a query parameter of a session that serves one request:
 * `SET param_x = '…'`, and the statement says `{x:Type}`.
 */
export function setParameters(parameters: ReadonlyMap<string, string>): string {
  if (parameters.size === 0) return "";
  const parts = [...parameters].map(([name, value]) => `param_${identifier(name)} = ${quoteString(value)}`);
  return `SET ${parts.join(", ")}; `;
}

/** `SET a = '…', b = '…'; `; the engine casts each text to the type of the setting, or refuses it. */
export function setSettings(settings: ReadonlyMap<string, string>): string {
  if (settings.size === 0) return "";
  const parts = [...settings].map(([name, value]) => `${identifier(name)} = ${quoteString(value)}`);
  return `SET ${parts.join(", ")}; `;
}

/**
 * A string as a literal of ClickHouse's SQL: inside single quotes, with backslash, quote and NUL escaped (a raw NUL
 * would end the statement). Everything else may stand as it is.
 */
export function quoteString(value: string): string {
  return `'${value.replace(/[\\'\0]/g, (c) => (c === "\0" ? "\\0" : `\\${c}`))}'`;
}

/** A name as a quoted identifier. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replace(/[\\`\0]/g, (c) => (c === "\0" ? "\\0" : `\\${c}`))}\``;
}

export const identifierPattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

function identifier(name: string): string {
  if (!identifierPattern.test(name)) throw new TypeError(`not a name that can be set: ${JSON.stringify(name)}`);
  return name;
}
