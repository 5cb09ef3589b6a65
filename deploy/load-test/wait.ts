import { setTimeout as pause } from "node:timers/promises";
import type { Weir } from "../../client/src/weir.ts";
import type { Run } from "./events.ts";
import { spanMs } from "./events.ts";
import type { LoadRule } from "./rules.ts";

const everyMs = 200;

/** Resolves when the server answers `GET path` with 200. @throws Error what it answers instead when the time is over. */
export async function untilOk(url: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const said = await ask(url);
    if (said === undefined) return;
    if (performance.now() > deadline) throw new Error(`${url} says ${said} after ${withinMs / 1000} s`);
    await pause(everyMs);
  }
}

/** Undefined when all is well. */
async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const text = await response.text();
    return response.ok ? undefined : `${response.status} ${text.slice(0, 300)}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
}

export interface Counted {
  readonly events: number;
  readonly ms: number;
}

/** Waits until the rule has counted so many events, or for `stallMs` no further one. */
export async function untilCounted(
  weir: Weir,
  run: Run,
  { rule, windowMs }: LoadRule,
  { events, stallMs }: { readonly events: number; readonly stallMs: number },
): Promise<Counted> {
  const startedAt = performance.now();
  let best = { events: -1, at: startedAt };
  for (;;) {
    let counted = 0;
    const span = { from: run.endMs - spanMs - windowMs, to: run.endMs + windowMs, limit: 10_000 };
    for await (const row of weir.stats.rows({ rule: rule.rule_id, ...span })) counted += Number(row.value);
    const now = performance.now();
    if (counted > best.events) best = { events: counted, at: now };
    if (counted >= events || now - best.at > stallMs) return { events: counted, ms: best.at - startedAt };
    await pause(everyMs);
  }
}

/** Waits until a subscriber on a WebSocket has the same number of events. @throws Error when it has not in time. */
export async function untilPushed(
  weir: Weir,
  run: Run,
  { rule, windowMs }: LoadRule,
  { events, withinMs }: { readonly events: number; readonly withinMs: number },
): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  let pushed = 0;
  try {
    for await (const { rows } of weir.live(rule.rule_id, { from: run.endMs - spanMs - windowMs, signal })) {
      pushed = rows.reduce((sum, row) => sum + Number(row.value), 0);
      if (pushed === events) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new Error(`the live socket has ${pushed} events after ${withinMs / 1000} s, must have ${events}`);
}
