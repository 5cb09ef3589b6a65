/** The `nth` system call of this name that one thread makes, counted from when it is watched. */
export interface Point {
  readonly call: string;
  readonly nth: number;
}

/** A call that was made. */
export interface Count {
  /** How often, by all threads. */
  readonly all: number;
  /** The nth call, as strace writes it, of the thread that came first to its nth. */
  readonly reached: readonly string[];
}

/** One call and how it ended. */
export interface Made {
  readonly thread: string;
  /** When it began, ms since the epoch. */
  readonly at: number;
  /** As strace writes it, with its result, which is missing where the process ended in between. */
  readonly text: string;
  readonly succeeded: boolean;
  /** An error was put in its place: it was not made. */
  readonly refused: boolean;
}

export interface Traced {
  /** By the call's name. */
  readonly counts: ReadonlyMap<string, Count>;
  /** In the order of their beginnings. */
  readonly made: readonly Made[];
  /** The call at which the process was killed, as strace writes it; undefined when that did not happen. */
  readonly killedAt: string | undefined;
}

/**
 * Reads what strace wrote: a line a call, `<thread> <seconds> <call>(… = <result>`, or two, the first ending `<unfinished ...>` and
 * the second beginning `<... <call> resumed>`; and `<thread> +++ killed by SIGKILL +++`.
 */
export function readTrace(text: string, killAt?: Point): Traced {
  const made = new Map<string, number>();
  const counts = new Map<string, Count>();
  let last: string | undefined;
  for (const line of text.split("\n")) {
    const { thread, call } = parsed(line);
    if (thread === undefined || call === undefined) continue;
    const count = (made.get(`${thread} ${call}`) ?? 0) + 1;
    made.set(`${thread} ${call}`, count);
    const { all, reached } = counts.get(call) ?? { all: 0, reached: [] };
    counts.set(call, { all: all + 1, reached: count > reached.length ? [...reached, line] : reached });
    if (call === killAt?.call && count === killAt.nth) last ??= line;
  }
  return { counts, made: readMade(text), killedAt: text.includes("+++ killed by SIGKILL +++") ? last : undefined };
}

interface Line {
  readonly thread?: string;
  readonly seconds?: string;
  /** Missing on the second line of a call. */
  readonly call?: string;
}

const parsed = (line: string): Line =>
  /^(?<thread>\d+) +(?:(?<seconds>\d+\.\d+) +)?(?:(?<call>\w+)\(|<\.\.\. )/.exec(line)?.groups ?? {};

function readMade(text: string): Made[] {
  const begun: { readonly thread: string; readonly at: number; text: string }[] = [];
  const open = new Map<string, (typeof begun)[number]>();
  for (const line of text.split("\n")) {
    const { thread, seconds, call } = parsed(line);
    if (thread === undefined) continue;
    if (call === undefined) {
      const first = open.get(thread);
      if (first !== undefined) first.text += line.slice(line.indexOf(" resumed>"));
      continue;
    }
    const one = { thread, at: Number(seconds ?? 0) * 1000, text: line };
    open.set(thread, one);
    begun.push(one);
  }
  return begun.map((one) => ({
    ...one,
    succeeded: / = \d+/.test(one.text),
    refused: /= -1 .*\(INJECTED\)/.test(one.text),
  }));
}
