import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { WeirError } from "../lib/errors.ts";

/** Parses the body of a JSON route. `__proto__` and `constructor` become ordinary keys; the service's check refuses them by name. */
export function jsonBody(
  request: FastifyRequest,
  bytes: string | Buffer,
  done: (error: Error | null, body?: unknown) => void,
): void {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return done(encoded(encoding));
  const text = textOf(bytes);
  if (text === undefined) return done(new WeirError("invalid_json", "the body is not valid UTF-8"));
  try {
    done(null, JSON.parse(text));
  } catch (cause) {
    done(notJson(cause));
  }
}

/** The text of bytes that must be UTF-8; undefined when they are not. A byte order mark is dropped. */
export function textOf(bytes: string | Uint8Array): string | undefined {
  if (typeof bytes === "string") return bytes;
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const encoded = (encoding: string): WeirError =>
  new WeirError(
    "unsupported_encoding",
    `content encoding ${encoding.slice(0, 64)} is not taken here: send the body as it is`,
  );

function notJson(cause: unknown): WeirError {
  return new WeirError(
    "invalid_json",
    `the body is not JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : "it can't be parsed"}`,
    { cause },
  );
}
