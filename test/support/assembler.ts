import type { LiveDelta, LiveFinal, LiveHeartbeat, LiveReset, LiveSnapshot } from "../../src/protocol/live-exact.ts";
import type { LiveError } from "../../src/protocol/live.ts";

export type ExactMessage = LiveSnapshot | LiveDelta | LiveFinal | LiveHeartbeat | LiveReset | LiveError;
type Row = LiveSnapshot["rows"][number];

interface Assembled {
  readonly epoch: string;
  readonly from: string;
  readonly version: number;
  seq: number;
  /** By the beginning of the window, all of its rows. */
  readonly windows: Map<string, readonly Row[]>;
}

/** What a client of the exact protocol has of one rule. */
type RuleState =
  | { readonly state: "nothing" }
  | { readonly state: "void" }
  | { readonly state: "following"; readonly has: Assembled };

/**
 * Puts together what the mode `delta` sends, as the protocol says, and takes nothing that it does not say.
 * Every breach throws.
 */
export class Assembler {
  readonly #rules = new Map<string, RuleState>();

  /** A subscription that was asked for without `resume`: what there was does not count any more. */
  subscribe(ruleId: string): void {
    this.#rules.set(ruleId, { state: "nothing" });
  }

  unsubscribe(ruleId: string): void {
    this.#rules.delete(ruleId);
  }

  /** What to give as `resume`. */
  resume(ruleId: string): { epoch: string; seq: number } | undefined {
    const has = this.#following(ruleId);
    return has && { epoch: has.epoch, seq: has.seq };
  }

  /** The `from` of its snapshot, with which `/stats` is to be asked. */
  from(ruleId: string): string | undefined {
    return this.#following(ruleId)?.from;
  }

  /** All rows, in the order of `/stats`; undefined without a snapshot. */
  rows(ruleId: string): Row[] | undefined {
    const has = this.#following(ruleId);
    if (has === undefined) return undefined;
    const newestFirst = [...has.windows].toSorted(([a], [b]) => Date.parse(b) - Date.parse(a));
    return newestFirst.flatMap(([, rows]) => rows);
  }

  take(message: ExactMessage): void {
    switch (message.type) {
      case "snapshot":
        return this.#snapshot(message);
      case "delta":
        return this.#delta(message, this.#mustFollow(message));
      case "final":
        return this.#final(message, this.#mustFollow(message));
      case "heartbeat":
        return must(this.#mustFollow(message).seq === message.seq, message, "is not the number that the client has");
      case "reset":
        return void this.#rules.set(message.rule_id, { state: "void" });
      case "error":
        if (message.rule_id !== undefined) this.#rules.delete(message.rule_id);
    }
  }

  #snapshot(message: LiveSnapshot): void {
    const state = this.#rules.get(message.rule_id)?.state;
    must(state === "nothing" || state === "void", message, `comes to a client in the state ${state}`);
    const windows = byWindow(message.rows);
    for (const start of windows.keys())
      must(Date.parse(start) >= Date.parse(message.from), message, `has a window before its from, ${start}`);
    const { epoch, from, seq, version } = message;
    this.#rules.set(message.rule_id, { state: "following", has: { epoch, from, seq, version, windows } });
  }

  #delta(message: LiveDelta, has: Assembled): void {
    must(message.prev === has.seq, message, `does not follow ${has.seq}`);
    must(message.seq > message.prev, message, "does not grow");
    const { gone = [] } = message;
    must(message.rows.length + gone.length > 0, message, "changes nothing");
    const windows = byWindow(message.rows);
    for (const start of [...windows.keys(), ...gone])
      must(Date.parse(start) >= Date.parse(has.from), message, `has a window that was not asked for, ${start}`);
    for (const [start, rows] of windows) has.windows.set(start, rows);
    for (const start of gone) has.windows.delete(start);
    has.seq = message.seq;
  }

  #final({ window_start, window_end }: LiveFinal, has: Assembled): void {
    const rows = has.windows.get(window_start);
    if (rows === undefined) return;
    const closed = rows.map((row) => (row.window_end === window_end ? { ...row, final: true } : row));
    has.windows.set(window_start, closed);
  }

  #following(ruleId: string): Assembled | undefined {
    const state = this.#rules.get(ruleId);
    return state?.state === "following" ? state.has : undefined;
  }

  #mustFollow(message: { readonly type: string; readonly rule_id: string }): Assembled {
    const has = this.#following(message.rule_id);
    if (has === undefined) throw new Error(`a client without a snapshot gets ${JSON.stringify(message)}`);
    return has;
  }
}

function must(holds: boolean, message: object, what: string): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(message).slice(0, 2000)}`);
}

function byWindow(rows: readonly Row[]): Map<string, Row[]> {
  const windows = new Map<string, Row[]>();
  for (const row of rows) windows.set(row.window_start, [...(windows.get(row.window_start) ?? []), row]);
  return windows;
}
