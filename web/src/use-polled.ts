import { useCallback, useEffect, useRef, useState } from "react";
import { WeirError } from "../../client/src/weir.ts";

/** What is asked for again and again. A value stays when a later question fails. */
export interface Polled<T> {
  readonly value: T | undefined;
  /** What came for an earlier key, as long as nothing has come for this one. */
  readonly before: T | undefined;
  readonly error: WeirError | undefined;
  /** Asks at once. */
  readonly again: () => void;
}

export type Ask<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Asks every `everyMs` while the page is seen, and anew whenever `key` changes; one question at a time. 0: until there is an
 * answer, and not at all where there is one already.
 */
export function usePolled<T>(key: string, everyMs: number, ask: Ask<T>): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T | undefined; error?: WeirError | undefined }>({ key });
  const [turn, setTurn] = useState(0);
  const newest = useRef(ask);
  newest.current = ask;
  const answered = useRef("");
  useEffect(() => {
    const question = `${turn} ${key}`;
    if (everyMs === 0 && answered.current === question) return undefined;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = async (): Promise<void> => {
      if (!document.hidden) {
        const answer = await settled(newest.current, ending.signal);
        if (ending.signal.aborted) return;
        setState((old) => ({ ...(old.key === key && { value: old.value }), key, error: undefined, ...answer }));
        if (answer.error === undefined) answered.current = question;
        if (everyMs === 0 && answer.error === undefined) return;
      }
      timer = setTimeout(() => void next(), Math.max(everyMs, retryMs));
    };
    void next();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  const again = useCallback(() => setTurn((turn) => turn + 1), []);
  const isOfKey = state.key === key;
  const [value, before] = isOfKey ? [state.value, undefined] : [undefined, state.value];
  return { value, before, error: isOfKey ? state.error : undefined, again };
}

const retryMs = 1000;

/** A value once it has stayed the same for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

async function settled<T>(ask: Ask<T>, signal: AbortSignal): Promise<{ value?: T; error?: WeirError }> {
  try {
    return { value: await ask(signal) };
  } catch (error) {
    return { error: toWeirError(error) };
  }
}

/** Whatever was thrown, as an error that can be told. */
export const toWeirError = (error: unknown): WeirError =>
  error instanceof WeirError
    ? error
    : new WeirError("no_answer", error instanceof Error ? error.message : String(error));
