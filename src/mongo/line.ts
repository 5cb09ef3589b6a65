import type { Collection, Document } from "mongodb";
import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { withoutSecrets } from "../lib/url-secrets.ts";
import { Renewal } from "./renewal.ts";
import { serverAt } from "./server.ts";
import type { MongoServer } from "./server.ts";
import { mongoTrouble } from "./trouble.ts";

/** A server as one part of Weir asks it: no question lasts for ever, and failures are told as people need them. */
export class MongoLine {
  readonly #server: MongoServer;
  readonly #place: string;
  readonly #what: string;
  readonly #clock: Clock;
  readonly #renewal: Renewal;

  /**
   * @param what is asked for, e.g. `the archive`.
   * @throws WeirError `invalid_config` when the address can't be read.
   */
  constructor(url: string, what: string, clock: Clock) {
    this.#place = withoutSecrets(url);
    const server = serverAt(url, this.#place);
    this.#server = server;
    this.#what = what;
    this.#clock = clock;
    this.#renewal = new Renewal(clock, () => server.renew());
  }

  collection<T extends Document>(name: string): Collection<T> {
    return this.#server.collection<T>(name);
  }

  /** @throws what `mongoTrouble` makes of a failure. The call gets its collections anew each time. */
  async ask<T>(call: () => Promise<T>, withinMs: number): Promise<T> {
    try {
      return await this.#renewal.ask(() => within(this.#clock, withinMs, call));
    } catch (error) {
      throw mongoTrouble(this.#what, this.#place, error);
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
