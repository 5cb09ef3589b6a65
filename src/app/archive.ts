import { Archiver } from "../archive/archiver.ts";
import type { Basis } from "../assembly/basis.ts";
import type { OpenedErasures } from "./erasures.ts";
import { openArchivesLog } from "./log.ts";

const stopMs = 2_000;

/** Begins to copy the log into MongoDB, if that is asked for. Nobody waits for MongoDB here. */
export async function startArchive(
  basis: Basis,
  { claimArchive }: Pick<OpenedErasures, "claimArchive">,
  signal?: AbortSignal,
): Promise<Archiver | undefined> {
  const { config, clock, logger, metrics, closers, fail } = basis;
  const { archive: isOn, mongoUrl, kafkaBrokers } = config;
  if (isOn === "off" || mongoUrl === null || kafkaBrokers.length === 0) return undefined;
  const part = "archive";
  const log = await openArchivesLog(config, {
    ...{ clock, onFailure: fail, gap: (records: number) => metrics.archive.gap(records) },
    report: (level, message, facts) => logger[level]({ part, ...facts }, message),
    ...(signal === undefined ? {} : { signal }),
  });
  closers.add("the archive's log", () => log.close());
  const { openMongoArchive } = await import("../archive/mongo/mongo-archive.ts");
  const archive = openMongoArchive(mongoUrl, clock);
  closers.add("archive", () => archive.close());
  const archiver = new Archiver({
    ...(claimArchive === undefined ? {} : { claim: claimArchive }),
    ...{ log, archive, clock, archived: (events: number) => metrics.archive.archived(events) },
    report: (level, message, err) => logger[level]({ part, err }, message),
  });
  metrics.watch({ archiveLagSeconds: () => archiver.lagMs() / 1000 });
  archiver.start();
  closers.add("archiver", () => archiver.stop(stopMs));
  return archiver;
}
