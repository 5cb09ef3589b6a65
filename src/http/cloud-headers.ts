import type { IncomingHttpHeaders } from "node:http";
import type { CloudAttributes } from "../ingest/cloudevents.ts";

/**
 * The attributes of a CloudEvent in binary mode, where they are headers beginning with `ce-` and the body is its data;
 * undefined when the request is none. Values are read as the HTTP binding of CloudEvents 1.0 (section 3.1.3.2) wants it.
 */
export function cloudAttributes(headers: IncomingHttpHeaders): CloudAttributes | undefined {
  if (headers["ce-specversion"] === undefined && headers["ce-id"] === undefined) return undefined;
  const attributes: Partial<Record<keyof CloudAttributes, string>> = {};
  for (const name of names) {
    const header = headers[`ce-${name}`];
    if (typeof header === "string") attributes[name] = decoded(header);
  }
  return attributes;
}

const names = ["specversion", "id", "type", "subject", "time"] as const;

/**
 * Without the quotes around it, with what was percent-encoded. What is no such encoding is taken as it stands. Blanks around
 * a value are gone when it comes here; what else is a space to JavaScript (U+00A0) belongs to it.
 */
function decoded(header: string): string {
  const quoted = /^"(.*)"$/s.exec(header)?.[1];
  const text = quoted === undefined ? header : quoted.replace(/\\(.)/gs, "$1");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
