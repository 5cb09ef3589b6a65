import { WeirError } from "./errors.ts";
import type { WeirErrorFacts } from "./errors.ts";
import { retryAfterMs } from "./retry-after.ts";
import { reasonOf } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ErrorBody } from "./wire.ts";

/** Text, or several of a name; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is sent; anything else is sent as JSON. */
  readonly body?: unknown;
  /** How long an answer may take; the client's own when left out. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Who has answered, where the server that was asked has named another address. */
  readonly from?: string;
}

export interface Asking {
  /** Goes with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Asks a server at one address. Every way of asking ends here, so that every failure is told in the same words. */
export class Http {
  /** Without a slash at its end. */
  readonly address: string;
  readonly #surroundings: Pick<Surroundings, "fetch" | "after" | "now">;
  readonly #asking: Asking;

  /** @throws TypeError for what is no address, for headers that can't be sent, and a time in which nobody can answer. */
  constructor(address: string, surroundings: Pick<Surroundings, "fetch" | "after" | "now">, asking: Asking) {
    this.address = checked(address).replace(/\/+$/, "");
    // Told at once, as an address is.
    void new Headers(asking.headers);
    if (!(asking.timeoutMs > 0))
      throw new TypeError(`timeoutMs must be a number above 0, or Infinity, not ${asking.timeoutMs}`);
    this.#surroundings = surroundings;
    this.#asking = asking;
  }

  /**
   * The answer as JSON.
   * @throws WeirError as the server refuses it, or `no_answer`, `strange_answer`; the signal's reason when that aborts; a TypeError
   * or URIError for what can't be written.
   */
  async json<T>(question: Question): Promise<T> {
    return (await this.answer(question)).json as T;
  }

  /** The same with its headers. @throws as `json`. */
  async answer(question: Question): Promise<{ readonly json: unknown; readonly headers: Headers }> {
    const answer = await this.ask(question);
    try {
      return { json: JSON.parse(answer.text) as unknown, headers: answer.headers };
    } catch (cause) {
      throw this.#strange(question, answer, { cause });
    }
  }

  /** The answer as it came. @throws as `json`. */
  async ask(question: Question): Promise<Answer> {
    const answer = await this.#exchange(question);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw this.#refusal(question, answer);
  }

  /** An answer whose body comes piece by piece; no time-out holds for it once it has begun, but its signal does. @throws as `json`. */
  async open(question: Question): Promise<Response> {
    const ask = this.#request(question);
    const { response, refused } = await this.#limited(question, async (ending) => {
      const response = await ask(ending.signal);
      // Not everywhere does a request end whose body is given up: in Node 22.0 it goes on, and so does the process.
      question.signal?.addEventListener("abort", () => ending.abort(), { once: true });
      // A refusal comes as a whole, within its time.
      return { response, refused: response.ok && !isPage(response) ? undefined : await whole(response) };
    });
    if (refused === undefined) return response;
    throw this.#refusal(question, refused);
  }

  #exchange(question: Question): Promise<Answer> {
    const ask = this.#request(question);
    return this.#limited(question, async (ending) => whole(await ask(ending.signal)));
  }

  /** Written before anything is asked: what can't be is a mistake here, and no server that is silent. */
  #request({ method = "GET", path, query, headers, body }: Question): (signal: AbortSignal) => Promise<Response> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const url = `${this.address}${path}${queryText(query)}`;
    const request = {
      method,
      headers: new Headers({ ...type, ...this.#asking.headers, ...headers }),
      ...(text === undefined ? {} : { body: text }),
    };
    return (signal) => this.#surroundings.fetch(url, { ...request, signal });
  }

  /** Does something that ends when the time is over or the caller's signal aborts, and says which it was. */
  async #limited<T>(question: Question, work: (ending: AbortController) => Promise<T>): Promise<T> {
    const { signal, timeoutMs = this.#asking.timeoutMs } = question;
    if (signal?.aborted) throw reasonOf(signal);
    const ending = new AbortController();
    const aborted = (): void => ending.abort();
    signal?.addEventListener("abort", aborted, { once: true });
    let isLate = false;
    const cancel = this.#surroundings.after(timeoutMs, () => ((isLate = true), ending.abort()));
    try {
      return await work(ending);
    } catch (cause) {
      if (signal?.aborted) throw reasonOf(signal);
      const words = isLate
        ? `${this.address} did not answer within ${timeoutMs / 1000} s`
        : `no server answers at ${this.address}; is it running there?${foreignPage(this.address)}`;
      throw new WeirError("no_answer", words, { cause });
    } finally {
      cancel();
      signal?.removeEventListener("abort", aborted);
    }
  }

  #refusal(question: Question, answer: Answer): WeirError {
    const { status, headers, text } = answer;
    const waitMs = retryAfterMs(headers, this.#surroundings.now());
    const facts = waitMs === undefined ? {} : { retryAfterMs: waitMs };
    const error = errorOf(text);
    // Whoever stands in front of Weir may ask for patience too, in words of its own.
    if (error === undefined) return this.#strange(question, answer, facts);
    const message = `${error.message}${this.#redirected(answer)}`;
    return new WeirError(error.code, message, { ...facts, status, details: error.details });
  }

  #strange({ method = "GET", path }: Question, answer: Answer, facts: WeirErrorFacts): WeirError {
    const { status, text } = answer;
    const shown = text.trim() === "" ? "nothing" : JSON.stringify(text.slice(0, 200));
    const asked = `${method} ${this.address}${path}`;
    const message = `${asked} answered ${status} with ${shown}, which Weir does not; is it another server?${this.#redirected(answer)}`;
    return new WeirError("strange_answer", message, { ...facts, status });
  }

  /** On the way a POST becomes a GET without a body, and what logs in is left behind: what is refused then was never asked for. */
  #redirected({ from }: Answer): string {
    return from === undefined ? "" : ` (${this.address} redirects to ${from}; give the address that it redirects to)`;
  }
}

/** Of a log-in, or of an app that answers every path with itself. */
const isPage = ({ headers }: Response): boolean => /^text\/html\b/i.test(headers.get("content-type") ?? "");

async function whole(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, text, ...(response.redirected && { from: withoutQuery(response.url) }) };
}

const withoutQuery = (url: string): string => url.split("?", 1)[0] ?? "";

/** Told at once: a socket would tell it when it is opened again, where nobody can catch it. A page may name its own server by a path. */
function checked(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && hasLogin(url)) {
    const where = `${url.protocol}//${url.host}`;
    throw new TypeError(
      `the address ${where} has a name or a password in front, which is never sent: give it in \`headers\``,
    );
  }
  if (url && /[?#]/.test(address))
    throw new TypeError(`"${address}" has a ? or a #, behind which no path can stand; give the address without`);
  if (url && /^https?:$/.test(url.protocol)) return address.trim();
  const page = pageUrl();
  if (page !== undefined && /^(\/(?!\/)|$)/.test(address)) return withoutLogin(new URL(address || "/", page)).href;
  // What stands before an @ may be a password.
  const shown = address.replace(/^.*@/s, "…@");
  throw new TypeError(`"${shown}" is not the address of a server, which begins with http:// or https://`);
}

/** A browser does not say which of both it was. */
function foreignPage(address: string): string {
  const page = pageUrl();
  if (page === undefined || new URL(address).origin === new URL(page).origin) return "";
  return ` Or the browser has not let a page of ${new URL(page).origin} ask: that takes a proxy of the page's own origin.`;
}

/** Of the page that the client runs in; outside of browsers there is none. */
const pageUrl = (): string | undefined => (globalThis as { location?: { href: string } }).location?.href;

const hasLogin = ({ username, password }: URL): boolean => username !== "" || password !== "";

/** As it can be asked for: a browser lets no page ask for an address with a name or a password in it. */
export function withoutLogin(url: URL): URL {
  const bare = new URL(url);
  bare.username = bare.password = "";
  return bare;
}

function queryText(query: Query | undefined): string {
  const parts = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) =>
      one === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`],
    ),
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function errorOf(text: string): ErrorBody["error"] | undefined {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorBody>;
    return typeof error?.code === "string" && typeof error.message === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
