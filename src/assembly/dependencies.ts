import type { Archiver } from "../archive/archiver.ts";
import type { Config } from "../config/options.ts";
import { hasRole } from "../config/roles.ts";
import type { Log } from "../log/log.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import type { Registry } from "../rule/registry.ts";
import type { Store } from "../store/store.ts";
import type { Disk } from "./disk.ts";
import { logTrouble, storeTrouble } from "./health.ts";
import type { Computing, Dependencies, Dependency } from "./health.ts";
import { newsRemark, newsTrouble } from "./news.ts";
import type { News } from "./news.ts";

export interface DependedOn {
  readonly log: Log;
  /** Of the embedded log. */
  readonly disk?: Pick<Disk, "remark"> | undefined;
  readonly progress: MemoryProgress;
  readonly news: News | undefined;
  readonly archiver?: Pick<Archiver, "trouble"> | undefined;
  /** Missing where only events are taken. */
  readonly stored?: { readonly store: Store; readonly engine: Computing; readonly rules: Pick<Registry, "trouble"> };
}

/** What the roles of a process need, and which of it they can't be without. */
export function dependenciesOf(
  config: Config,
  { log, disk, progress, news, archiver, stored }: DependedOn,
): Dependencies {
  return {
    log: {
      trouble: troubleOfLog(config, log, news),
      remark: () => disk?.remark(),
      isVital: hasRole(config, "ingest", "processor"),
    },
    ...(stored === undefined
      ? {}
      : {
          // With a damaged part new events are counted, and most questions answered.
          store: {
            trouble: storeTrouble(stored.store, stored.engine),
            remark: () => stored.engine.damage(),
            isVital: true,
          },
          // Without the rules' place everything but changing them goes on, or waits.
          rules: { trouble: () => stored.rules.trouble(), isVital: false },
        }),
    // It catches up later.
    ...(archiver === undefined ? {} : { archive: { trouble: () => archiver.trouble(), isVital: false } }),
    ...(news === undefined ? {} : { progress: partOfProgress(news, progress) }),
  };
}

const partOfProgress = (news: News, progress: MemoryProgress): Dependency => ({
  trouble: () => newsTrouble(news, progress),
  remark: () => newsRemark(progress),
  isVital: false,
});

/**
 * Where nothing is appended, the log does not say whether it can be reached: the channel, which is on the same brokers, does. What can't
 * be written into its topic, for want of a grant or of replicas, keeps nobody from reading events.
 */
function troubleOfLog(config: Config, log: Log, news: News | undefined): Dependency["trouble"] {
  const own = logTrouble(log);
  return hasRole(config, "ingest") || news === undefined ? own : () => own() ?? news.channel.trouble().hearing;
}
