import type { Src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import { type Claim, type Holder, deleteClaims, insertClaim, nobody, selectHolder } from "./claim-statements.ts";
import { selectNamed, selectRunning } from "./claim-statements.ts";
import type { Connection } from "./connection.ts";
import { untilQuorumsClosed } from "./quorum.ts";

export interface ClaimsDeps {
  readonly connection: Pick<Connection, "inDoubt" | "settled" | "rows" | "write" | "kill">;
  readonly where: { readonly database: string; readonly cluster: string | null };
  readonly clock: Clock;
  /** Of this process: letters, digits and dashes, of nobody else ever. */
  readonly writer: string;
  /** Hears of what is waited for. */
  readonly waiting: (src: Src, running: readonly string[]) => void;
}

const attemptsMax = 20;
const lookAgainMs = 50;
/** Every so many terms of a partition those are deleted that lie further back than the latest, which are left for people to look at. */
const trimEvery = 64;
const termsKept = 16;

/** Of claiming a partition; `lostTo`: another has it, from whom it may not be taken. */
type Outcome = { readonly claim: Claim } | { readonly lostTo: Holder };

/**
 * Who writes which partition, where writes of a process can happen after the process, or after they were given up.
 *
 * Claiming is three steps. A row with a higher term: from now on whatever of an earlier term the server has not begun throws
 * before it writes. Then what it has begun is ended, and waited for: it stands in the server's list of what runs from before
 * it looks at the claims until it has written or never will. Then the claim is read again: if it is ours, nothing of
 * anybody else can happen to the partition any more, and what is read there is the truth.
 */
export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #held = new Map<Src, Claim>();
  /** One claiming of a partition after the other. */
  readonly #turns = new Map<Src, Promise<unknown>>();

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
  }

  /** The claim under which this process writes a partition; it is taken if there is none yet. */
  async of(src: Src): Promise<Claim> {
    return this.#held.get(src) ?? this.#inTurn(src, async () => this.#held.get(src) ?? (await this.#take(src, [])));
  }

  /** Takes a partition from whoever has it. */
  async take(src: Src): Promise<void> {
    await this.#inTurn(src, () => this.#take(src, this.#inDoubt(src)));
  }

  /**
   * Resolves when no write in doubt, on this partition or on all, can happen any more.
   * @throws WeirError `store_taken` when another process has claimed the partition that is named.
   */
  async settle(only?: Src): Promise<void> {
    const { connection, where } = this.#deps;
    const doubtful = connection.inDoubt();
    const unclaimed = [...doubtful].filter(([, src]) => src === undefined).map(([id]) => id);
    if (unclaimed.length > 0) await this.#endNamed(where.cluster, unclaimed);
    const partitions = new Set(doubtful.values().filter((src) => src !== undefined));
    for (const src of only === undefined ? partitions : [only]) {
      const successor = await this.#inTurn(src, () => this.#renew(src));
      if (successor !== undefined && only !== undefined) throw this.#taken(src, successor);
    }
  }

  #inDoubt(src: Src): string[] {
    return [...this.#deps.connection.inDoubt()].filter(([, of]) => of === src).map(([id]) => id);
  }

  #inTurn<T>(src: Src, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(src) ?? Promise.resolve();
    const done = before.then(work);
    this.#turns.set(
      src,
      done.catch(() => {}),
    );
    return done;
  }

  /**
   * Answers who has taken the partition from us, if anybody: from that one it is not taken back, as the caller goes on with what
   * it has read before. That is looked at as often as it is claimed, since ending what runs can take long.
   */
  async #renew(src: Src): Promise<Holder | undefined> {
    const ours = this.#inDoubt(src);
    if (ours.length === 0) return undefined;
    const outcome = await this.#claim(src, ours, ({ writer }) => writer === this.#deps.writer);
    if ("claim" in outcome) return undefined;
    // What has not begun throws. The claim that was lost is kept, so that whatever comes late of its time throws as well.
    await this.#endNamed(this.#deps.where.cluster, ours);
    return outcome.lostTo;
  }

  async #endNamed(cluster: string | null, ids: readonly string[]): Promise<void> {
    await this.#end(selectNamed(cluster, ids));
    await this.#untilVisible();
    this.#deps.connection.settled(ids);
  }

  /** From whoever has it: only for who reads afterwards how far the partition is. */
  async #take(src: Src, ours: readonly string[]): Promise<Claim> {
    const outcome = await this.#claim(src, ours, () => true);
    if ("claim" in outcome) return outcome.claim;
    throw this.#taken(src, outcome.lostTo);
  }

  /** Claims above whoever has the partition, as long as that is one from whom it may be taken. */
  async #claim(src: Src, ours: readonly string[], mayTakeFrom: (holder: Holder) => boolean): Promise<Outcome> {
    const { connection, clock, writer } = this.#deps;
    let holder = await this.#holder(src);
    for (let attempt = 0; mayTakeFrom(holder); attempt++) {
      if (attempt === attemptsMax) throw this.#taken(src, holder);
      if (attempt > 0) await clock.sleep(lookAgainMs * attempt);
      const claim = { src, term: holder.term + 1, writer };
      await connection.write(insertClaim(claim, holder), {}, claim);
      await this.#untilEnded(src, ours);
      await this.#untilVisible();
      holder = await this.#holder(src);
      if (holder.term === claim.term && holder.writer === writer) return this.#hold(claim, ours);
    }
    return { lostTo: holder };
  }

  async #hold(claim: Claim, ours: readonly string[]): Promise<Outcome> {
    this.#held.set(claim.src, claim);
    this.#deps.connection.settled(ours);
    if (claim.term % trimEvery === 0) await this.#trim(claim);
    return { claim };
  }

  /** Each insert looks at all of them. What is not deleted now is the next time. */
  async #trim({ src, term }: Claim): Promise<void> {
    await this.#deps.connection.write(deleteClaims(src, term - termsKept)).catch(() => {});
  }

  async #holder(src: Src): Promise<Holder> {
    const [row] = await this.#deps.connection.rows<Holder>(selectHolder(src));
    return row ?? nobody;
  }

  async #untilEnded(src: Src, ours: readonly string[]): Promise<void> {
    const { writer, waiting, where } = this.#deps;
    let isTold = false;
    await this.#end(selectRunning(where, { src, writer }, ours), (ids) => {
      if (!isTold) waiting(src, ids);
      isTold = true;
    });
  }

  /** What has ended is seen by whoever reads from now on. */
  async #untilVisible(): Promise<void> {
    const { connection, clock, where } = this.#deps;
    if (where.cluster !== null) await untilQuorumsClosed(connection, clock);
  }

  /** Ends what is found until nothing is. */
  async #end(running: Statement, found: (ids: readonly string[]) => void = () => {}): Promise<void> {
    const { connection, clock } = this.#deps;
    for (;;) {
      const rows = await connection.rows<{ id: string }>(running);
      if (rows.length === 0) return;
      const ids = rows.map(({ id }) => id);
      found(ids);
      await this.#kill(ids);
      await clock.sleep(lookAgainMs);
    }
  }

  /** That there is nothing to kill any more, or that it is somebody else's to kill, is seen when it is looked for again. */
  async #kill(ids: readonly string[]): Promise<void> {
    await this.#deps.connection.kill(ids, "ASYNC").catch((error: unknown) => {
      if (!(error instanceof WeirError) || error.code !== "store_refused") throw error;
    });
  }

  #taken(src: Src, { term, writer }: Holder): WeirError {
    const { database } = this.#deps.where;
    return new WeirError(
      "store_taken",
      `another process (${writer}, term ${term}) has taken over writing partition ${src} of database ${database}; this one must not go on with it. Without Kafka: one process, and one data folder, per database`,
    );
  }
}
