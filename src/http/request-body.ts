import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";

export interface BodyLimits {
  /** Bytes once decoded; checked while they arrive. */
  readonly bytesMax: number;
  /** Called with the size of each piece before it is kept; may refuse by throwing. */
  readonly grow: (bytes: number) => void;
}

/** A body that has not arrived after this long must have come at this rate at least. */
const patienceMs = 10_000;
const bytesPerSecondMin = 64 * 1024;
/** How long what a refused client still sends is read and thrown away, so that it gets to read the answer. */
const drainMs = 500;

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** Reads the bodies of requests: with bounds, one layer of encoding, and an end for those that do not come. */
export class BodyReader {
  readonly #clock: Clock;
  readonly #arriving = new Set<Arrival>();
  readonly #stop: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stop = clock.every(1000, () => this.#cutSlow());
  }

  /**
   * The decoded body in pieces.
   * @throws WeirError `unsupported_encoding`, `body_too_large`, `invalid_encoding`, `request_timeout`, and what `limits.grow` throws.
   */
  async read(request: IncomingMessage, limits: BodyLimits): Promise<Buffer[]> {
    const decode = decoderOf(request.headers["content-encoding"]);
    if (!decode && Number(request.headers["content-length"] ?? 0) > limits.bytesMax) throw tooLarge(limits.bytesMax);
    if (!decode) {
      // What came together with its headers is here when the parser is done with them.
      await Promise.resolve();
      if (request.complete) return whole(request, limits);
    }
    const arrival = new Arrival(request, this.#clock.monotonic());
    this.#arriving.add(arrival);
    try {
      return await arrival.gather(limits, decode?.());
    } finally {
      this.#arriving.delete(arrival);
    }
  }

  /** Reads and forgets what is left of a request that was refused; for half a second at most. */
  async drain(request: IncomingMessage): Promise<void> {
    if (request.complete || request.readableEnded || request.destroyed) return;
    const ended = new AbortController();
    request.once("end", () => ended.abort()).once("close", () => ended.abort());
    request.resume();
    await this.#clock.sleep(drainMs, ended.signal);
  }

  close(): void {
    this.#stop();
  }

  #cutSlow(): void {
    const now = this.#clock.monotonic();
    for (const arrival of this.#arriving) arrival.cutIfSlow(now);
  }
}

/** One body on its way. */
class Arrival {
  readonly #request: IncomingMessage;
  readonly #startedAt: number;
  readonly #pieces: Buffer[] = [];
  #received = 0;
  #decoded = 0;
  #fail: (error: Error) => void = () => {};

  constructor(request: IncomingMessage, startedAt: number) {
    this.#request = request;
    this.#startedAt = startedAt;
  }

  gather(limits: BodyLimits, decoder: Transform | undefined): Promise<Buffer[]> {
    const request = this.#request;
    const output = decoder ?? request;
    return new Promise<Buffer[]>((resolve, reject) => {
      const keep = (piece: Buffer): void => this.#keep(piece, limits);
      const feed = (piece: Buffer): void => {
        this.#received += piece.length;
        if (decoder && !decoder.write(piece)) request.pause();
      };
      const finish = (): void => {
        output.off("data", keep);
        request.off("data", feed).off("error", broken);
        decoder?.destroy();
      };
      const broken = (error: Error): void => this.#fail(error);
      this.#fail = (error) => (finish(), reject(error));
      output.on("data", keep);
      request.on("data", feed).on("error", broken);
      decoder?.on("error", (error) =>
        this.#fail(
          new WeirError("invalid_encoding", "the body is not what its content encoding says", { cause: error }),
        ),
      );
      decoder?.on("drain", () => request.resume());
      request.on("end", () => decoder?.end());
      output.on("end", () => (finish(), resolve(this.#pieces)));
      request.on(
        "close",
        () => request.complete || this.#fail(new WeirError("bad_request", "the connection ended before the body")),
      );
    });
  }

  cutIfSlow(now: number): void {
    const waited = now - this.#startedAt;
    const due = ((waited - patienceMs) / 1000) * bytesPerSecondMin;
    if (waited < patienceMs || this.#received > due) return;
    this.#fail(
      new WeirError(
        "request_timeout",
        `only ${this.#received} bytes of the body came in ${Math.round(waited / 1000)} s`,
      ),
    );
  }

  #keep(piece: Buffer, limits: BodyLimits): void {
    this.#decoded += piece.length;
    if (this.#decoded > limits.bytesMax) return this.#fail(tooLarge(limits.bytesMax));
    try {
      limits.grow(piece.length);
      this.#pieces.push(piece);
    } catch (error) {
      this.#fail(
        error instanceof Error ? error : new WeirError("internal", "a body could not be kept", { cause: error }),
      );
    }
  }
}

/** A body that is all here. */
function whole(request: IncomingMessage, limits: BodyLimits): Buffer[] {
  const body = request.read() as Buffer | null;
  if (body === null) return [];
  if (body.length > limits.bytesMax) throw tooLarge(limits.bytesMax);
  limits.grow(body.length);
  return [body];
}

function decoderOf(header: string | undefined): (() => Transform) | undefined {
  const encoding = (header ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return undefined;
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder) return decoder;
  throw new WeirError(
    "unsupported_encoding",
    `content encoding ${encoding.slice(0, 64)} is not understood; known are gzip, br, zstd, one at a time`,
  );
}

function tooLarge(bytesMax: number): WeirError {
  return new WeirError("body_too_large", `the body is larger than ${bytesMax} bytes, decoded`, {
    details: { bytesMax },
  });
}
