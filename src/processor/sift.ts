import { offset } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { RawPiece, Store } from "../store/store.ts";
import type { Batch, Piece } from "./batch.ts";
import { withoutRejected } from "./batch.ts";

/** An event that the store does not take. */
export interface Refused extends Row {
  /** For people. */
  readonly reason: string;
}

interface Row {
  readonly piece: Piece;
  readonly index: number;
}

type SiftedStore = Pick<Store, "insertRaw" | "settle" | "storedOffsets" | "takesRows">;

/**
 * Writes a batch's raw rows. When the store refuses them, halves them until those at fault are found, and writes the rest:
 * one bad row among 10,000 takes some twenty writes. An event is refused only when the store did not take it by itself, twice,
 * and did take rows as such in between: an engine that refuses everything has a fault of its own, which is no event's.
 *
 * Rejects with what else befalls the store; called again, it goes on with what is neither stored (which the caller finds
 * out) nor refused so far.
 */
export class Sifter {
  readonly #store: SiftedStore;
  readonly #batch: Batch;
  readonly refused: Refused[] = [];

  constructor(store: SiftedStore, batch: Batch) {
    this.#store = store;
    this.#batch = batch;
  }

  async write(): Promise<void> {
    const { pieces } = this.#batch;
    if ((await this.#refusal(pieces)) === undefined) return;
    await this.#sift(await this.#missing(rowsOf(pieces)), true);
  }

  /** `together`: they were refused as a whole, or must have been since the others were taken. */
  async #sift(rows: readonly Row[], together: boolean): Promise<void> {
    const [row] = rows;
    if (row === undefined) return;
    if (rows.length === 1) return this.#alone(row);
    if (!together) {
      if ((await this.#refusal(piecesOf(rows))) === undefined) return;
      return this.#sift(await this.#missing(rows), true);
    }
    passFailpoint("mid-bisection");
    const middle = rows.length >> 1;
    const before = this.refused.length;
    await this.#sift(rows.slice(0, middle), false);
    await this.#sift(rows.slice(middle), this.refused.length === before);
  }

  async #alone(row: Row): Promise<void> {
    if ((await this.#refusalOf(row)) === undefined) return;
    await this.#store.takesRows();
    const reason = await this.#refusalOf(row);
    if (reason === undefined) return;
    withoutRejected(this.#batch, new Set([row.piece.from + row.index]));
    this.refused.push({ ...row, reason });
  }

  async #refusalOf(row: Row): Promise<string | undefined> {
    const reason = await this.#refusal(piecesOf([row]));
    return reason === undefined || (await this.#missing([row])).length === 0 ? undefined : reason;
  }

  /** Why the store does not take these; undefined: it has them. */
  async #refusal(pieces: readonly RawPiece[]): Promise<string | undefined> {
    try {
      await this.#store.insertRaw(this.#batch.range.src, pieces);
      return undefined;
    } catch (error) {
      if (!(error instanceof WeirError) || error.code !== "store_refused") throw error;
      return reasonOf(error);
    }
  }

  /** A refused write may have left a part of it behind. */
  async #missing(rows: readonly Row[]): Promise<readonly Row[]> {
    const [first] = rows;
    if (first === undefined) return rows;
    await this.#store.settle();
    const from = offset(first.piece.from + first.index);
    const stored = new Set<number>(await this.#store.storedOffsets(this.#batch.range.src, from));
    return rows.filter(({ piece, index }) => !stored.has(piece.from + index));
  }
}

function reasonOf({ details }: WeirError): string {
  const known = typeof details === "object" && details !== null && "reason" in details ? details.reason : undefined;
  return typeof known === "string" ? known : "the store refused it";
}

const rowsOf = (pieces: readonly Piece[]): readonly Row[] =>
  pieces.flatMap((piece) =>
    Array.from({ length: piece.events.count }, (_, index) => ({ piece, index })).filter(
      ({ index }) => piece.skip?.[index] !== 1,
    ),
  );

/** The pieces of these rows, which are in order, with nothing else in them. */
function piecesOf(rows: readonly Row[]): readonly RawPiece[] {
  const pieces = new Map<Piece, Uint8Array>();
  for (const { piece, index } of rows) {
    const skipped = pieces.get(piece) ?? new Uint8Array(piece.events.count).fill(1);
    skipped[index] = 0;
    pieces.set(piece, skipped);
  }
  return [...pieces].map(([piece, skipped]) => ({ ...piece, skip: skipped }));
}
