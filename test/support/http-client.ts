import { Agent, request as open } from "node:http";

/** A request as it goes over the wire; header values are bytes, one character each. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface HttpAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

/**
 * A client that sends what others would not: any header, any path, a wrong `Content-Length` (with none, the body is
 * sent in chunks). Connections are kept and used again.
 */
export class HttpClient {
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(url: string, connections: number) {
    this.#url = new URL(url);
    this.#agent = new Agent({ keepAlive: connections > 0, maxSockets: connections || Infinity });
  }

  /** Never rejects; after `timeoutMs` the connection is cut. */
  send({ method, path, headers, body }: HttpRequest, timeoutMs = 120_000): Promise<HttpAnswer> {
    const startedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
    const settle = (status: number, text: string): void => resolve({ status, text, ms: performance.now() - startedAt });
    const { hostname: host, port } = this.#url;
    const request = open({ host, port, method, path, headers, agent: this.#agent, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => settle(response.statusCode ?? 0, text)).on("error", (error) => settle(0, error.message));
    });
    request.on("error", (error) => settle(0, error.message));
    request.on("timeout", () => request.destroy(new Error(`nothing came for ${timeoutMs} ms`)));
    request.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}
