import type { Clock } from "../lib/clock.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { Log } from "./log.ts";

/** The same log, with the time of every append reported (seconds) and the places where a test can kill the process behind it. */
export function observedLog(log: Log, clock: Clock, appended: (seconds: number) => void): Log {
  return {
    ...(log.shared === undefined ? {} : { shared: log.shared }),
    ...(log.committedIsHint === undefined ? {} : { committedIsHint: log.committedIsHint }),
    sources: () => log.sources(),
    append: async (events) => {
      const started = clock.monotonic();
      const ranges = await log.append(events);
      appended((clock.monotonic() - started) / 1000);
      passFailpoint("after-log-append");
      return ranges;
    },
    read: (from, options) => log.read(from, options),
    ...(log.givenThrough === undefined ? {} : { givenThrough: log.givenThrough.bind(log) }),
    ends: () => log.ends(),
    commit: (src, next) => log.commit(src, next),
    committed: (src) => log.committed(src),
    ...(log.scrub === undefined ? {} : { scrub: log.scrub.bind(log) }),
    state: (bytes) => log.state(bytes),
    close: () => log.close(),
  };
}
