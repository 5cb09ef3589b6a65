import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ServerProcess } from "../support/server-process.ts";
import { type Injection, type Trace, trace } from "../support/strace.ts";
import type { Made } from "../support/trace-text.ts";

const syncCalls = ["fsync", "fdatasync"];

/** The log's own files; without its folder, of whose sync SQLite takes no notice. */
export const logFiles = (dataDir: string): string[] =>
  ["log.db", "log.db-wal", "log.witness"].map((name) => join(dataDir, "log", name));

/** What befalls which syncs of which files. */
export interface SyncFault extends Omit<Injection, "calls"> {
  readonly files: readonly string[];
}

/** From now on syncs of a process fail, or are slow. */
export function troubleSyncs(pid: number, { files, ...fault }: SyncFault): Promise<Trace> {
  return trace({ pid, calls: syncCalls, files, inject: { calls: syncCalls, ...fault } });
}

/** The first sync of the log that failed. */
export const failureOfLog = (made: readonly Made[]): Made | undefined =>
  made.find(({ text, refused }) => refused && /\/log\/log\.(db|witness)/.test(text));

/** For a thread that is not the one that answers: so long what it knows may take to be known to the other. */
const hearsayMs = 2_000;

/** When the requests that were acknowledged were sent, and when their answers came. */
export class Acknowledgements {
  #spans: { readonly sentAt: number; readonly answeredAt: number }[] = [];

  /** For `SenderOptions.acknowledged`. */
  readonly heard = (ms: number): void => {
    const answeredAt = Date.now();
    this.#spans.push({ sentAt: answeredAt - ms, answeredAt });
  };

  get count(): number {
    return this.#spans.length;
  }

  get shortestMs(): number {
    return Math.min(...this.#spans.map(({ sentAt, answeredAt }) => answeredAt - sentAt));
  }

  forget(): void {
    this.#spans = [];
  }

  /**
   * That each came after a sync which began after the request was sent and succeeded, and none for a request that was sent
   * when a sync had failed.
   * @param made the syncs of the log while it was sent.
   */
  check(made: readonly Made[]): void {
    const syncs = made.filter(({ text, succeeded }) => succeeded && text.includes("/log.db-wal"));
    const failed = failureOfLog(made);
    // Who commits makes the first of them; a checkpoint is made beside it by another thread.
    const isKnownAtOnce = failed !== undefined && failed.thread === syncs[0]?.thread;
    const noneFrom = (failed?.at ?? Infinity) + (isKnownAtOnce ? 0 : hearsayMs);
    for (const { sentAt, answeredAt } of this.#spans) {
      assert.ok(
        sentAt <= noneFrom,
        `acknowledged, though sent ${sentAt - noneFrom} ms after ${failed?.text} was known`,
      );
      const isSynced = syncs.some(({ at }) => at >= sentAt - 1 && at <= answeredAt + 1);
      assert.ok(
        isSynced || syncs.length === 0,
        `sent at ${sentAt}, acknowledged at ${answeredAt}, and not synced between`,
      );
    }
  }
}

const endsWithinMs = 60_000;

/** Ends by itself with the code of what failed while it ran, and says that it was the log. */
export async function mustEnd(server: ServerProcess): Promise<void> {
  const exit = await Promise.race([server.exited, pause(endsWithinMs, null, { ref: false })]);
  assert.deepEqual(exit, { code: 1, signal: null }, "a sync of the log has failed");
  // What it says can be heard a little after its end.
  for (let looks = 0; !saysWhy(server) && looks < 50; looks++) await pause(20);
  assert.ok(saysWhy(server), "it does not say why it has ended");
}

const saysWhy = (server: ServerProcess): boolean => /"code":"log_failed".*log\/log\.db/.test(server.output());
