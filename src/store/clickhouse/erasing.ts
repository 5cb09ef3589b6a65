import type { EventsToErase } from "../store.ts";
import type { Connection } from "./connection.ts";
import * as statements from "./erase-statements.ts";
import { keysPerLookup } from "./statements.ts";
import { untold, yieldingSettings } from "./statement-settings.ts";

/** How many positions one deletion goes by: the engine takes some 150 bytes for each. */
const rowsMax = 500_000;

interface Piece {
  readonly before: statements.NotedPiece | undefined;
  readonly piece: statements.NotedPiece;
  /** It is all there is. */
  readonly whole: boolean;
}

/** Takes events out of the tables, however many they are. See `Store`. */
export class Erasing {
  readonly #connection: Pick<Connection, "rows" | "write" | "facts" | "whom">;
  readonly #rowsMax: number;

  constructor(connection: Pick<Connection, "rows" | "write" | "facts" | "whom">, pieceRowsMax = rowsMax) {
    this.#connection = connection;
    this.#rowsMax = pieceRowsMax;
  }

  async note(erasure: string, events: EventsToErase): Promise<number> {
    for (let at = 0; at < events.values.length; at += keysPerLookup) {
      const values = events.values.slice(at, at + keysPerLookup);
      await this.#connection.write(statements.insertErasing(erasure, events, values), {
        ...yieldingSettings,
        ...untold,
      });
    }
    let noted = 0;
    for await (const { piece } of this.#pieces([erasure])) noted += piece.events;
    return noted;
  }

  async eraseNoted(erasures: readonly string[]): Promise<void> {
    await this.#sync();
    let hidden = false;
    for await (const piece of this.#pieces(erasures)) {
      for (const statement of statements.deletingPiece(erasures, piece)) await this.#connection.write(statement);
      hidden ||= !piece.whole;
    }
    if (hidden) await this.#connection.write(statements.unhiding("raw_events"));
  }

  async purge(erasures: readonly string[]): Promise<void> {
    for (const statement of statements.purging(erasures)) await this.#connection.write(statement);
  }

  async #sync(): Promise<void> {
    const { facts, whom } = this.#connection;
    if (facts.cluster !== null) await this.#connection.write(statements.syncErasing(whom.database, facts.cluster));
  }

  async *#pieces(erasures: readonly string[]): AsyncGenerator<Piece> {
    let before: statements.NotedPiece | undefined;
    for (let piece = await this.#next(erasures); piece !== undefined;) {
      const next = await this.#next(erasures, piece);
      yield { before, piece, whole: before === undefined && next === undefined };
      [before, piece] = [piece, next];
    }
  }

  async #next(erasures: readonly string[], before?: statements.NotedPiece): Promise<statements.NotedPiece | undefined> {
    const statement = statements.selectPiece(erasures, before, this.#rowsMax);
    const [piece] = await this.#connection.rows<statements.NotedPiece>(statement);
    return piece === undefined || piece.events === 0 ? undefined : piece;
  }
}
