import { reasonOf } from "../surroundings.ts";

type Source<T> = Iterator<T, unknown> | AsyncIterator<T, unknown>;

/**
 * As `for await` over what is given, but it ends when the signal aborts, also while the source rests: that is told to end, and
 * not waited for.
 * @throws the signal's reason; what the source throws.
 */
export async function* until<T>(events: Iterable<T> | AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const source = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
  for (;;) {
    const next = await nextOf(source, signal);
    if (next.done === true) return;
    let isUsed = false;
    try {
      yield next.value;
      isUsed = true;
    } finally {
      if (!isUsed) await source.return?.();
    }
  }
}

function nextOf<T>(source: Source<T>, signal: AbortSignal): Promise<IteratorResult<T, unknown>> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => (void leave(source), reject(reasonOf(signal)));
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted, { once: true });
    const asked = async (): Promise<IteratorResult<T, unknown>> => source.next();
    void asked()
      .then(resolve, reject)
      .then(() => signal.removeEventListener("abort", aborted));
  });
}

async function leave(source: Source<unknown>): Promise<void> {
  try {
    // A generator that rests ends once it goes on, if it ever does.
    await source.return?.();
  } catch {
    // What it throws then nobody waits for; one that is running, and aborts itself, can't be told to end.
  }
}
