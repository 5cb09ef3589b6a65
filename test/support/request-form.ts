import type { IncomingMessage } from "node:http";

/** A field of a form, as it stands there. */
export interface FormField {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The fields of a `multipart/form-data` body; none when the body is something else. */
export function formFields({ headers }: IncomingMessage, body: Buffer): readonly FormField[] {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers["content-type"] ?? "")?.[1];
  if (boundary === undefined) return [];
  // Each byte is a character.
  const parts = body.toString("latin1").split(`--${boundary}`).slice(1, -1);
  return parts.map((part) => {
    const [, name = "", value = ""] = /^\r\n[^]*? name="(.*?)"\r\n\r\n([^]*)\r\n$/.exec(part) ?? [];
    return { name, bytes: Buffer.from(value, "latin1") };
  });
}

/** The statement of a request to ClickHouse, wherever it stands. */
export function statementOf(message: IncomingMessage, body: Buffer): string {
  const fields = formFields(message, body).filter(({ name }) => name === "query");
  if (fields.length > 0) return Buffer.concat(fields.map(({ bytes }) => bytes)).toString("utf8");
  return new URL(message.url ?? "/", "http://server").searchParams.get("query") ?? body.toString("utf8");
}
