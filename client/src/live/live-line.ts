import { pauseMs } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import { WeirError } from "../errors.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Carrier, Line, Wanted } from "./carrier.ts";
import { Doubts } from "./doubts.ts";
import { Follower } from "./follower.ts";
import type { LiveError } from "../wire.ts";
import type { LiveMessage } from "./mirror.ts";

export interface LinePace extends Backoff {
  /** How long opening may take. */
  readonly openMs: number;
  /** How long nothing may come: a server says something every five seconds. */
  readonly silenceMs: number;
  /** How long a line without rules is kept. */
  readonly lingerMs: number;
}

export const linePace: LinePace = { firstMs: 250, mostMs: 15_000, openMs: 10_000, silenceMs: 20_000, lingerMs: 1000 };

/** A server takes no more of one client. */
const rulesMax = 1000;

/** Somebody looks at it: no pause is longer, whatever a server asks for. */
const askedMostMs = 60_000;

/** What a line is at: `resting` without rules, `waiting` for the pause before the next attempt. */
export type LineState = "resting" | "connecting" | "open" | "waiting";

/**
 * A line to the server that is opened again as often as it ends, and goes on where it was.
 *
 * | state | what happens | then |
 * | --- | --- | --- |
 * | resting | a rule is watched | connecting |
 * | connecting | it opens | open: all rules are asked for, each from its place |
 * | connecting, open | it ends; nothing comes for too long; a message does not follow the one before | waiting, longer each time that nothing has come |
 * | waiting | the pause is over; a rule is watched, and no other | connecting |
 * | open | the server refuses a message that could be of several rules | waiting; then these are asked for one by one |
 * | connecting, open, waiting | the last rule has gone, and the time to linger | resting |
 */
export class LiveLine {
  readonly #carrier: Carrier;
  readonly #surroundings: Pick<Surroundings, "after" | "random">;
  readonly #pace: LinePace;
  readonly #followers = new Map<string, Follower>();
  /** Rules that were watched over the line that is open, and are not any more. */
  #former = new Set<string>();
  readonly #doubts: Doubts;
  #state: LineState = "resting";
  #line: Line | undefined;
  /** How many were opened or ended so far, by which one that is not the newest any more is known. */
  #lines = 0;
  #failures = 0;
  #cancelTimer: () => void = () => {};
  #cancelLinger: () => void = () => {};

  constructor(carrier: Carrier, surroundings: Pick<Surroundings, "after" | "random">, pace: LinePace = linePace) {
    this.#carrier = carrier;
    this.#surroundings = surroundings;
    this.#pace = pace;
    this.#doubts = new Doubts(surroundings.after, {
      isWanted: (follower) => this.#followers.get(follower.wanted.rule) === follower && !follower.isOver,
      ask: (follower) => this.#line && this.#ask(this.#line, follower),
      answerMs: pace.openMs,
    });
  }

  get state(): LineState {
    return this.#state;
  }

  follower(rule: string): Follower | undefined {
    return this.#followers.get(rule);
  }

  get isFull(): boolean {
    return this.#followers.size >= rulesMax;
  }

  /** Watches a rule that is not watched yet, until `unwatch`. */
  watch(wanted: Follower["wanted"]): Follower {
    this.#cancelLinger();
    const follower = new Follower(wanted);
    this.#followers.set(wanted.rule, follower);
    if (this.#state === "resting" || (this.#state === "waiting" && this.#isAlone(follower))) this.#connect();
    else if (this.#line && this.#line.watch === undefined) this.#reconnect();
    else if (this.#line && this.#state === "open") this.#add(this.#line, follower);
    return follower;
  }

  unwatch(follower: Follower): void {
    const { rule } = follower.wanted;
    if (this.#followers.get(rule) !== follower) return;
    this.#followers.delete(rule);
    this.#former.add(rule);
    if (!follower.isOver) this.#line?.unwatch?.(rule);
    if (this.#followers.size > 0) return;
    this.#cancelLinger = this.#surroundings.after(this.#pace.lingerMs, () => this.rest());
  }

  /** Ends the line now. */
  rest(): void {
    this.#cancelLinger();
    this.#end("resting");
    this.#failures = 0;
  }

  /** Who waited before may have left: whoever comes then did not see the attempts that made the pause long. */
  #isAlone(follower: Follower): boolean {
    return [...this.#followers.values()].every((one) => one === follower || one.isOver);
  }

  #add(line: Line, follower: Follower): void {
    if (this.#doubts.isEmpty) this.#ask(line, follower);
    else this.#doubts.add([follower]);
  }

  #ask(line: Line, follower: Follower): void {
    follower.mirror.startAnew(this.#former.has(follower.wanted.rule));
    line.watch?.({ ...follower.wanted, place: undefined });
    follower.lineOpened();
  }

  #reconnect(): void {
    this.#end("resting");
    this.#connect();
  }

  #connect(): void {
    const open = (): Follower[] => [...this.#followers.values()].filter(({ isOver }) => !isOver);
    if (open().length === 0) return this.#end("resting");
    this.#state = "connecting";
    this.#former = new Set();
    this.#timer(this.#pace.openMs, () => this.#fail());
    // What a line tells after another has been opened is not heard.
    const number = ++this.#lines;
    const current = (heard: () => void): void => (this.#lines === number ? heard() : undefined);
    const events = {
      opened: () => current(() => this.#opened()),
      message: (text: string) => current(() => this.#heard(text)),
      closed: (refusal?: WeirError, afterMs?: number) => current(() => this.#closed(refusal, afterMs)),
    };
    this.#line = this.#carrier(() => this.#wanted(open()), events);
  }

  #wanted(followers: readonly Follower[]): Wanted[] {
    // As long as one is asked for by itself, no other may be refused.
    if (!this.#doubts.isEmpty) this.#doubts.add(followers.filter(({ mirror }) => mirror.place === undefined));
    return followers.filter((one) => !this.#doubts.has(one)).map((one) => one.request());
  }

  #opened(): void {
    this.#state = "open";
    this.#listenOn();
    for (const follower of this.#followers.values()) if (!follower.isOver) follower.lineOpened();
    this.#doubts.next();
  }

  #listenOn(): void {
    this.#timer(this.#pace.silenceMs, () => this.#fail());
  }

  #heard(text: string): void {
    const message = parsed(text);
    if (message === undefined) return this.#fail();
    this.#listenOn();
    if (message.type === "error" && message.rule_id === undefined) return this.#refused(message);
    const follower = this.#followers.get(message.rule_id ?? "");
    if (follower === undefined || follower.isOver) return;
    const verdict = follower.take(message);
    if (verdict === "broken") return this.#broken(follower);
    this.#failures = 0;
    this.#doubts.answered(follower);
  }

  /** A mistake in what was asked for, which does not say of which rule: it is none that something came of over this line. */
  #refused({ code, message }: LiveError): void {
    const { asked } = this.#doubts;
    const suspects = asked ? [asked] : [...this.#followers.values()].filter((one) => !one.isOver && !one.isHeard);
    const isClear = asked !== undefined || suspects.length + this.#former.size <= 1;
    if (isClear || this.#line?.watch === undefined) {
      for (const suspect of suspects) suspect.refuse(new WeirError(code, message));
      if (asked !== undefined) this.#doubts.next();
    } else if (suspects.length > 0) this.#doubt(suspects);
  }

  /** Over another line: on this one more refusals may be on their way, of what was asked for together. */
  #doubt(suspects: readonly Follower[]): void {
    this.#doubts.add(suspects);
    this.#fail();
  }

  /** Something was lost. Where the places of all rules are one word, all begin anew. */
  #broken(follower: Follower): void {
    const all = this.#line?.watch === undefined ? [...this.#followers.values()] : [follower];
    for (const { mirror } of all) if (mirror.phase !== "over") mirror.startAnew();
    this.#fail();
  }

  #closed(refusal: WeirError | undefined, afterMs: number | undefined): void {
    if (refusal === undefined) return this.#fail(afterMs);
    for (const follower of this.#followers.values()) if (!follower.isOver) follower.refuse(refusal);
    this.#end("resting");
  }

  /** `afterMs`: as long as a server has asked for, within bounds. */
  #fail(afterMs = 0): void {
    this.#end("waiting");
    this.#failures += 1;
    const ownMs = pauseMs(this.#failures, this.#pace, this.#surroundings.random());
    this.#timer(Math.max(ownMs, Math.min(afterMs, askedMostMs)), () => this.#connect());
  }

  #end(state: LineState): void {
    this.#cancelTimer();
    this.#state = state;
    const line = this.#line;
    this.#line = undefined;
    this.#lines += 1;
    this.#doubts.lineEnded();
    line?.close();
    for (const follower of this.#followers.values()) if (!follower.isOver) follower.lineEnded();
  }

  #timer(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#surroundings.after(ms, run);
  }
}

function parsed(text: string): LiveMessage | undefined {
  try {
    const message = JSON.parse(text) as Partial<LiveMessage> | null;
    return typeof message?.type === "string" && kinds.has(message.type) ? (message as LiveMessage) : undefined;
  } catch {
    return undefined;
  }
}

const kinds: ReadonlySet<string> = new Set(["snapshot", "delta", "final", "heartbeat", "reset", "error"]);
