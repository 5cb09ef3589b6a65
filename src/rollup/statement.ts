/** SQL text with `{name:Type}` places and the values for them. Values never enter the text. */
export interface Statement {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}
