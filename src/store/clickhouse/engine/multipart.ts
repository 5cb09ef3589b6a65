import { EngineException } from "./exception.ts";

/**
 * The text fields of a `multipart/form-data` body; those named `query` are put together, as the server does. Files are not
 * taken. Throws BAD_ARGUMENTS when it is not well-formed.
 */
export function multipartFields(body: Buffer, contentType: string): Map<string, string> {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) throw malformed("no boundary");
  const fields = new Map<string, string>();
  const edge = Buffer.from(`--${boundary}`);
  let at = body.indexOf(edge);
  while (at >= 0) {
    const start = at + edge.length;
    const end = body.indexOf(edge, start);
    if (end < 0) break;
    // Between the edges: a line end, the head, an empty line, the value, a line end.
    const [name, value] = field(body.subarray(start + 2, end - 2));
    fields.set(name, name === "query" ? (fields.get(name) ?? "") + value : value);
    at = end;
  }
  return fields;
}

function field(part: Buffer): [string, string] {
  const headEnd = part.indexOf("\r\n\r\n");
  const head = part.subarray(0, Math.max(headEnd, 0)).toString("utf8");
  const name = /\bname="([^"]*)"/i.exec(head)?.[1];
  if (name === undefined || /\bfilename=/i.test(head)) throw malformed("a part that is no text field");
  return [name, part.subarray(headEnd + 4).toString("utf8")];
}

function malformed(why: string): EngineException {
  return new EngineException("BAD_ARGUMENTS", `a multipart body that can't be read: ${why}`);
}
