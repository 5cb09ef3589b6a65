import { Weir } from "../../client/src/weir.ts";
import type { Rule } from "../../client/src/weir.ts";
import { exitCodeOf } from "../commands/commands.ts";
import { reached } from "../commands/reached.ts";
import { explained } from "../commands/message.ts";
import { harmless } from "../commands/table.ts";
import { sayJson } from "../commands/terminal.ts";
import type { Terminal } from "../commands/terminal.ts";
import type { LoadOptions } from "../config/load-options.ts";
import type { Clock } from "../lib/clock.ts";
import { showProgress, thousands } from "../send/progress.ts";
import type { ProgressScreen } from "../send/progress.ts";
import { checkCounts } from "./check.ts";
import type { Checked } from "./check.ts";
import { Generator } from "./generator.ts";
import { OwnCount } from "./own-count.ts";
import { Pacer } from "./pacer.ts";
import type { Paced } from "./pacer.ts";
import { seeded } from "./random.ts";
import { shapes } from "./shapes.ts";

export interface LoadWish extends LoadOptions {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  readonly seed: number;
}

type Wish = Omit<LoadWish, "url">;

export interface LoadDeps {
  readonly terminal: Terminal;
  readonly screen: ProgressScreen;
  readonly complain: (text: string) => void;
  readonly clock: Clock;
  /** Ends the sending, or the check that is under way. What was sent is told, and checked, all the same. */
  readonly signal: AbortSignal;
  /** Somebody insists: nothing is waited for any more. */
  readonly insisted: AbortSignal;
}

/** 0: all accepted, and counted as they were here; 1: events, or its rules, were refused, or it was counted otherwise; 2: nobody answers, or takes them; 130: the check was stopped. */
export type LoadCode = 0 | 1 | 2 | 130;

/** `weir load`: makes events and sends them at a rate, and says how fast they went. Never rejects. */
export async function runLoad(wish: Wish, deps: LoadDeps): Promise<LoadCode> {
  const { clock, complain } = deps;
  const run = `load-${wish.seed.toString(36)}-${Math.floor(clock.now()).toString(36)}`;
  const own = new OwnCount(shapes[wish.shape], run);
  try {
    const weir = reached(() => new Weir({ ingestUrl: wish.ingestUrl, queryUrl: wish.queryUrl }));
    const rules = wish.check === "yes" ? own.rules : [];
    return await withRules(weir, rules, deps, async () => {
      const paced = await send(weir, run, own, wish, deps);
      const checked = paced.failure === undefined && rules.length > 0 ? await check(weir, own, deps) : null;
      const code = told(paced, checked === "stopped" ? null : checked, run, wish, deps);
      if (checked !== "stopped") return code;
      complain("The check was stopped: whether all was counted is not known.\n");
      return 130;
    });
  } catch (error) {
    complain(`${harmless(explained(error))}\n`);
    return exitCodeOf(error);
  }
}

/** The signal that has ended the sending can't end the check as well. */
async function check(weir: Weir, own: OwnCount, { clock, signal, insisted }: LoadDeps): Promise<Checked | "stopped"> {
  if (insisted.aborted) return "stopped";
  const ending = signal.aborted ? insisted : signal;
  try {
    return await checkCounts({ weir, own, clock, signal: ending });
  } catch (error) {
    if (ending.aborted) return "stopped";
    throw error;
  }
}

/** So long somebody who insists waits for the rules to be deleted. */
const deletingMs = 3000;

/** Does something while there are these rules. Those that can't be deleted behind it are named. */
async function withRules<T>(
  weir: Weir,
  rules: readonly Rule[],
  { complain, insisted }: LoadDeps,
  work: () => Promise<T>,
): Promise<T> {
  const made: string[] = [];
  const left: string[] = [];
  try {
    for (const rule of rules) {
      await weir.rules.put(rule);
      made.push(rule.rule_id);
    }
    return await work();
  } finally {
    // Also one whose making was not answered.
    for (const { rule_id } of rules) {
      const signal = insisted.aborted ? AbortSignal.timeout(deletingMs) : insisted;
      await weir.rules.delete(rule_id, { signal }).catch(() => {
        if (made.includes(rule_id)) left.push(rule_id);
      });
    }
    if (left.length > 0) complain(`Rules that could not be deleted: weir rules delete ${left.join(" ")}\n`);
  }
}

async function send(weir: Weir, run: string, own: OwnCount, wish: Wish, deps: LoadDeps): Promise<Paced> {
  const { clock, signal, insisted, screen } = deps;
  const generator = new Generator(shapes[wish.shape], { ...wish, run }, seeded(wish.seed));
  const { wait, retryForMs, rate, seconds, events } = wish;
  // A short wait for company: how long it takes is what is measured.
  const sender = weir.sender({ wait, retryForMs, batchDelayMs: 5, queueEventsMax: 20_000, requestsMax: 4 });
  insisted.addEventListener("abort", () => void sender.close({ withinMs: 0 }), { once: true });
  const pacer = new Pacer({ sender, generator, own, clock, signal });
  const stop = showProgress(() => pacer.standing({ rate, seconds, events }), screen, clock);
  try {
    const paced = await pacer.run({ rate, seconds, events });
    // What was given up then is nobody's failure.
    return insisted.aborted ? { ...paced, failure: undefined } : paced;
  } finally {
    stop();
  }
}

function told(paced: Paced, checked: Checked | null, run: string, wish: Wish, deps: LoadDeps): 0 | 1 | 2 {
  const { terminal, complain } = deps;
  const { failure, ...figures } = paced;
  const differences = checked?.differences ?? [];
  const check = checked === null ? {} : { check: { windows: checked.windows, differences: differences.length } };
  if (terminal.json) sayJson(terminal, { run, seed: wish.seed, ...figures, ...check });
  else for (const line of sentences(paced, checked, wish)) terminal.write(`${line}\n`);
  for (const { rule, at, own, server } of differences.slice(0, differencesShown))
    complain(`${rule}, ${harmless(at)}: counted here ${own ?? "nothing"}, by the server ${server ?? "nothing"}\n`);
  if (differences.length > differencesShown) complain(`… and ${differences.length - differencesShown} more\n`);
  if (failure !== undefined) complain(`${harmless(explained(failure))}\n`);
  if (failure !== undefined) return 2;
  return paced.refused > 0 || differences.length > 0 ? 1 : 0;
}

const differencesShown = 10;

function sentences(paced: Paced, checked: Checked | null, { rate, wait, seed }: Wish): string[] {
  const { events, repeated, late, refused, seconds, per_second, p50_ms, p99_ms } = paced;
  const asked = rate === 0 ? "" : ` (asked for ${thousands(rate)}/s)`;
  const odd = [
    ...(repeated > 0 ? [`${thousands(repeated)} of them a second time`] : []),
    ...(late > 0 ? [`${thousands(late)} late`] : []),
  ].map((text) => `, ${text}`);
  const verdict = (found: Checked): string =>
    found.differences.length === 0
      ? "all as counted here"
      : `${found.differences.length} differ from what was counted here`;
  return [
    `${thousands(events)} events in ${seconds} s: ${thousands(per_second)}/s${asked}${odd.join("")}; seed ${seed}`,
    `until ${wait}: half within ${p50_ms ?? "?"} ms, 99 % within ${p99_ms ?? "?"} ms; ${thousands(refused)} refused`,
    ...(checked === null ? [] : [`${thousands(checked.windows)} windows and groups of two rules: ${verdict(checked)}`]),
  ];
}
