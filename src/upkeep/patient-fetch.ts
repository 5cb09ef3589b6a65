import { request as overHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as overHttps } from "node:https";
import { buffer } from "node:stream/consumers";

type Asked = Pick<RequestInit, "method" | "headers" | "body" | "signal">;

const redirectsMax = 5;

/**
 * As `fetch`, for an answer that begins as late as it likes: Node's own waits five minutes for it, and a comparison takes as long
 * as reading all events does. How long to wait is the caller's to say, by the signal.
 */
export async function patientFetch(url: string, asked: Asked): Promise<Response> {
  let at = url;
  for (let left = redirectsMax; ; left--) {
    const answer = await fetched(at, asked);
    const next = answer.headers.get("location");
    if (answer.ok || next === null || left === 0 || !mayGoOn(asked, answer)) return answer;
    at = new URL(next, at).href;
  }
}

/** What changes something is asked elsewhere only where the answer says that it stays what it is. */
const mayGoOn = ({ method = "GET" }: Asked, { status }: Response): boolean =>
  method === "GET" || /^30[78]$/.test(String(status));

function fetched(url: string, { method = "GET", headers, body, signal }: Asked): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? overHttps : overHttp;
    const sent = { method, headers: Object.fromEntries(new Headers(headers)), ...(signal && { signal }) };
    const asking = request(url, sent, (answer) => void responseOf(answer).then(resolve, reject));
    // What stands in between may forget a line on which nothing is said.
    asking.setSocketKeepAlive(true, 30_000);
    asking.once("error", reject);
    asking.end(body);
  });
}

async function responseOf(answer: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0, headersDistinct } = answer;
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const bytes = await buffer(answer);
  // Some answers may have no body, not even an empty one.
  return new Response(bytes.length > 0 ? bytes : null, { status, headers });
}
