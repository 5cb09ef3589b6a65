import type { IncomingMessage } from "node:http";
import type { Clock } from "../lib/clock.ts";
import { Crowd, type Member } from "../lib/crowd.ts";
import { WeirError } from "../lib/errors.ts";
import { freeIfWhole } from "../lib/free-bytes.ts";
import { Decoding, decoderOf } from "./decoding.ts";
import { GatheredBody, tooLarge } from "./gathered-body.ts";
import type { BodyLimits } from "./gathered-body.ts";
import { bytesDue } from "./least-rate.ts";

/** Reads the bodies of requests: with bounds, one layer of encoding, and an end for those that do not come. */
export class BodyReader {
  readonly #clock: Clock;
  readonly #arriving = new Crowd<Arrival>();
  readonly #decoding = new Decoding();
  readonly #stop: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stop = clock.every(1000, () => this.#cutSlow());
  }

  /**
   * Gives the decoded body to `use`, which is done with it when it returns: its memory is used again.
   * @throws WeirError `unsupported_encoding`, `body_too_large`, `invalid_encoding`, `request_timeout`, and what `limits.grow` throws.
   */
  async read<T>(request: IncomingMessage, limits: BodyLimits, use: (body: Buffer) => T): Promise<T> {
    const decoder = decoderOf(request.headers["content-encoding"]);
    const expected = Number(request.headers["content-length"] ?? 0);
    if (expected > limits.bytesMax) throw tooLarge(limits.bytesMax);
    // What came together with its headers is here when the parser is done with them.
    await Promise.resolve();
    if (request.complete && !decoder) return useAndFree(whole(request, limits), use);
    const body = new GatheredBody(limits.bytesMax, expected);
    try {
      await this.#gather(request, body, limits);
      if (!decoder) return use(body.bytes());
      // In a box, so that what is waited for is the use of the memory alone, not what `use` may answer later.
      const beyond = { ...limits, grow: growthBeyond(body.length, limits.grow) };
      const used = await this.#decoding.decoded(body, decoder, beyond, (bytes) => ({ answer: use(bytes) }));
      return used.answer;
    } finally {
      if (decoder) body.release();
      else body.free();
    }
  }

  close(): void {
    this.#stop();
  }

  async #gather(request: IncomingMessage, body: GatheredBody, limits: BodyLimits): Promise<void> {
    const arrival = new Arrival(request, body, this.#clock.monotonic());
    this.#arriving.add(arrival);
    try {
      await arrival.gather(limits);
    } finally {
      this.#arriving.delete(arrival);
    }
  }

  #cutSlow(): void {
    const now = this.#clock.monotonic();
    for (const arrival of this.#arriving) arrival.cutIfSlow(now);
  }
}

/** One body on its way. */
class Arrival implements Member {
  seat = -1;
  readonly #request: IncomingMessage;
  readonly #body: GatheredBody;
  readonly #startedAt: number;
  #received = 0;
  #fail: (error: Error) => void = () => {};

  constructor(request: IncomingMessage, body: GatheredBody, startedAt: number) {
    this.#request = request;
    this.#body = body;
    this.#startedAt = startedAt;
  }

  gather(limits: BodyLimits): Promise<void> {
    const request = this.#request;
    return new Promise<void>((resolve, reject) => {
      const keep = (piece: Buffer): void => this.#keep(piece, limits);
      const broken = (cause: Error): void => this.#fail(endedEarly(cause));
      const finish = (): void => void request.off("data", keep).off("error", broken);
      // By a name of its own: V8 makes a function that is written straight into a property among what is old, and all that it
      // sees (the request, whoever waits for it) would stay until the next full collection.
      const fail = (error: Error): void => (finish(), reject(error));
      this.#fail = fail;
      request.on("data", keep).on("error", broken);
      request.on("end", () => (finish(), resolve()));
      request.on("close", () => request.complete || this.#fail(endedEarly()));
    });
  }

  cutIfSlow(now: number): void {
    const waited = now - this.#startedAt;
    if (this.#received > bytesDue(waited)) return;
    this.#fail(
      new WeirError(
        "request_timeout",
        `only ${this.#received} bytes of the body came in ${Math.round(waited / 1000)} s`,
      ),
    );
  }

  #keep(piece: Buffer, limits: BodyLimits): void {
    this.#received += piece.length;
    if (this.#received > limits.bytesMax) return this.#fail(tooLarge(limits.bytesMax));
    try {
      limits.grow(piece.length);
      if (this.#body.add(piece)) freeIfWhole(piece);
    } catch (error) {
      this.#fail(
        error instanceof Error ? error : new WeirError("internal", "a body could not be kept", { cause: error }),
      );
    }
  }
}

const endedEarly = (cause?: Error): WeirError =>
  new WeirError("bad_request", "the connection ended before the body", { cause });

/**
 * Of a body that is encoded the larger of its two forms counts. With both, one that needs more than half of what all requests may
 * have would be told for ever to come again; both are in memory only while it is decoded, which one large body is at a time.
 */
function growthBeyond(bytesTaken: number, grow: BodyLimits["grow"]): BodyLimits["grow"] {
  let left = bytesTaken;
  return (bytes) => {
    const taken = Math.min(left, bytes);
    left -= taken;
    if (bytes > taken) grow(bytes - taken);
  };
}

/** A body that is all here. */
function whole(request: IncomingMessage, limits: BodyLimits): Buffer {
  const body = request.read() as Buffer | null;
  if (body === null) return nothing;
  if (body.length > limits.bytesMax) throw tooLarge(limits.bytesMax);
  limits.grow(body.length);
  return body;
}

/** 15 MB a second of small bodies: left to the collector they would be most of what it has to do. */
function useAndFree<T>(body: Buffer, use: (body: Buffer) => T): T {
  try {
    return use(body);
  } finally {
    freeIfWhole(body);
  }
}

const nothing = Buffer.alloc(0);
