import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { serveOnLoopback } from "./loopback.ts";
import { formFields } from "./request-form.ts";
import { handOn } from "./tardy-proxy.ts";

/** `http_max_uri_size` and `http_max_field_value_size` of a ClickHouse server whose operator has changed nothing. */
const [addressBytesMax, fieldBytesMax] = [2 ** 20, 2 ** 17];

export interface BoundedProxy {
  readonly url: string;
  /** How many requests were refused, and how many forms were passed on. */
  readonly met: { refused: number; forms: number };
  close(): Promise<void>;
}

/**
 * A proxy on loopback to the embedded engine at `target`, which takes more than a ClickHouse server does: it refuses what the
 * server refuses, with the server's own answers. (`HTMLForm::readQuery` counts an address's fields before it decodes them.)
 */
export async function openBoundedProxy(target: string): Promise<BoundedProxy> {
  const met = { refused: 0, forms: 0 };
  const pass = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const fields = formFields(incoming, body);
    const refusal = refusalOf(incoming.url ?? "/", [...fields.map(({ bytes }) => bytes.length)]);
    if (refusal !== undefined) {
      met.refused += 1;
      return void answer.writeHead(refusal.status, { "content-type": "text/plain" }).end(refusal.text);
    }
    if (fields.length > 0) met.forms += 1;
    const got = await handOn(target, incoming, body);
    answer.writeHead(got.status, got.headers).end(got.text);
  };
  return { ...(await serveOnLoopback(pass)), met };
}

function refusalOf(address: string, ofForm: readonly number[]): { status: number; text: string } | undefined {
  if (address.length > addressBytesMax) return { status: 400, text: "" };
  const ofAddress = address
    .slice(address.indexOf("?") + 1)
    .split("&")
    .map((field) => field.length - field.indexOf("=") - 1);
  if ([...ofAddress, ...ofForm].every((bytes) => bytes <= fieldBytesMax)) return undefined;
  return {
    status: 500,
    text: "Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long (version 26.7.2.1 (official build))\n",
  };
}
