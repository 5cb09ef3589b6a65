/**
 * The name of a column of an answer as ClickHouse's quoted identifier. The only text of a user's rule that stands in a
 * statement: a name can't be bound like a value (an `Identifier` parameter keeps the escapes that clients put in). It may
 * only be used behind `AS`, where it decides nothing but what the column is called. Inside backticks a backslash and a
 * backtick end or change the name, so they are escaped; everything else stands for itself.
 *
 * Throws TypeError for what no field of a checked rule can be: a name with a control character or half of a surrogate pair.
 */
export function columnName(name: string): string {
  // oxlint-disable-next-line no-control-regex
  if (name === "" || /[\u0000-\u001f]/.test(name) || !name.isWellFormed())
    throw new TypeError(`not the name of a column: ${JSON.stringify(name)}`);
  return `\`${name.replace(/[\\`]/g, "\\$&")}\``;
}
