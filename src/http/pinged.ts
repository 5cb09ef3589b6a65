import type { Clock } from "../lib/clock.ts";

/** A socket, as far as pings concern it. */
export interface Pingable {
  /** When a ping was sent that it has not answered, in ms as `Pinged` counts them; null: it owes no answer. */
  askedAt: number | null;
  /** What was sent before this moment has been read. */
  readUntil: number;
  ping(): void;
  /** Who reads again later finds out why; the library cuts the connection when the closing handshake is not answered either. */
  close(reason: "too_slow"): void;
}

/**
 * In turns, so that ten thousand pings don't go out at one moment, and their answers don't come in at one: what is pushed waits for
 * those of a turn, which take 3 ms.
 */
const pingTurns = 40;

/**
 * Closes sockets that are far behind with reading. An answer to a ping tells that what was sent before the ping has been read,
 * not that all has been read until now: it stands behind what was sent before it, as a large snapshot, and who reads a little
 * now and then answers, too, only ever later.
 */
export class Pinged {
  readonly turnMs: number;
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #turns = Array.from({ length: pingTurns }, () => new Set<Pingable>());
  /** Those that have not answered the last ping. */
  readonly #asked = new Set<Pingable>();
  /** Sooner than two pings after each other, as nobody is looked at between turns. */
  readonly #behindMsMax: number;
  /** A turn that comes later than that came behind a standstill. */
  readonly #lateMsMax: number;
  #added = 0;
  #turn = 0;
  #turnedAt = 0;
  /** Since the start of the system, what does not count: the time before this, and for which the server has stood still, ms. */
  #stoodMs: number;

  constructor(clock: Clock, pingMs: number) {
    this.#clock = clock;
    this.#stoodMs = clock.monotonic();
    this.#pingMs = pingMs;
    this.turnMs = pingMs / pingTurns;
    this.#lateMsMax = pingMs / 10;
    this.#behindMsMax = 2 * pingMs - this.#lateMsMax;
  }

  add(one: Pingable): void {
    one.readUntil = this.#now;
    this.#turns[this.#added++ % pingTurns]!.add(one);
  }

  /** It has gone. */
  remove(one: Pingable): void {
    this.#asked.delete(one);
    for (const turn of this.#turns) if (turn.delete(one)) return;
  }

  /** A message of its has come. Who owes an answer may send what he likes: he does not read. */
  heard(one: Pingable): void {
    if (one.askedAt === null) one.readUntil = this.#now;
  }

  answered(one: Pingable): void {
    const { askedAt } = one;
    if (askedAt === null) return;
    one.askedAt = null;
    one.readUntil = askedAt;
    this.#asked.delete(one);
    // Until its next turn there is no time.
    if (this.#now - askedAt >= this.#pingMs) this.#ask(one);
  }

  next(): void {
    const lateMs = this.#now - this.#turnedAt - this.turnMs;
    // Who stood still himself has not read what answers there are, nor sent what could have been read meanwhile.
    if (lateMs >= this.#lateMsMax) this.#stoodMs += lateMs;
    this.#turnedAt = this.#now;
    this.#closeThoseBehind();
    this.#turn = (this.#turn + 1) % pingTurns;
    for (const one of this.#turns[this.#turn]!) if (one.askedAt === null) this.#askInTurn(one);
  }

  /** That its turn came late, as turns do where there is much to do, is no fault of its own. */
  #askInTurn(one: Pingable): void {
    one.readUntil = Math.max(one.readUntil, this.#now - this.#pingMs);
    this.#ask(one);
  }

  #closeThoseBehind(): void {
    for (const one of this.#asked) if (this.#now - one.readUntil >= this.#behindMsMax) one.close("too_slow");
  }

  /** Ms by a clock that stands still when the server does. */
  get #now(): number {
    return this.#clock.monotonic() - this.#stoodMs;
  }

  #ask(one: Pingable): void {
    one.askedAt = this.#now;
    this.#asked.add(one);
    one.ping();
  }
}
