import { Turns } from "../../lib/turns.ts";

/**
 * Inserts of one table, one after the other: on a cluster a table refuses an insert (code 286) while most replicas don't have
 * the one before it. What is no insert waits for nobody.
 */
export class TableTurns {
  readonly #turns = new Map<string, Turns>();

  /** Resolves, when it is the statement's turn, to the function that ends it; to be called once. */
  async take(sql: string): Promise<() => void> {
    const table = /^INSERT INTO (\w+)/.exec(sql)?.[1];
    if (table === undefined) return () => {};
    const turns = this.#turns.get(table) ?? new Turns(1);
    this.#turns.set(table, turns);
    return turns.take();
  }
}
