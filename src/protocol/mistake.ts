interface SchemaError {
  readonly keyword: string;
  readonly message: string;
}

/** What a value should have been, in plain words: schemas speak of `array` and `constant`, and show their patterns. */
export function expectation(schema: object, error: SchemaError, value: unknown): string {
  const choices = choicesOf(schema);
  const examples = "examples" in schema && Array.isArray(schema.examples) ? schema.examples.map(String) : [];
  const asIn = examples.length > 0 ? `, e.g. ${examples.join(" or ")}` : "";
  if (Array.isArray(value) && !("items" in schema)) return "must be given once";
  if (choices) return `must be ${choices.length > 1 ? "one of " : ""}${choices.join(", ")}`;
  if (error.keyword === "pattern") return `must look as here: ${examples.join(" or ")}${purposeOf(schema)}`;
  return withArticle(error.message) + asIn;
}

const withArticle = (message: string): string =>
  message
    .replace(/^must be (?=(?:array|integer|object)$)/, "must be an ")
    .replace(/^must be (?=(?:string|number|boolean)$)/, "must be a ");

const purposeOf = (schema: object): string =>
  "description" in schema && typeof schema.description === "string" ? ` (${schema.description})` : "";

function choicesOf(schema: object): string[] | undefined {
  if ("enum" in schema && Array.isArray(schema.enum)) return schema.enum.map(String);
  if ("const" in schema) return [String(schema.const)];
  if (!("anyOf" in schema) || !Array.isArray(schema.anyOf)) return undefined;
  const consts = schema.anyOf.map((option: object) => ("const" in option ? String(option.const) : undefined));
  return consts.every((text) => text !== undefined) ? consts : undefined;
}
