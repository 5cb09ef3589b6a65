import { existsSync, renameSync } from "node:fs";
import type { Basis } from "../assembly/basis.ts";
import type { Sharing } from "../eraser/share.ts";
import type { ErasureRegister, SharedErasures } from "../erasure/register.ts";
import { openSqliteErasures } from "../erasure/sqlite/sqlite-register.ts";
import { folderId } from "../lib/datadir.ts";
import { WeirError } from "../lib/errors.ts";
import { untilThere } from "../lib/until-there.ts";
import type { Log } from "../log/log.ts";
import { erasuresFile } from "./folder.ts";

export interface OpenedErasures {
  readonly register: ErasureRegister;
  /** Where they are other processes', too. */
  readonly sharing?: Sharing;
  /** Makes the archive this process's. Rejects while it is another's: two could put back what one of them has erased. */
  readonly claimArchive?: () => Promise<void>;
}

/** In MongoDB, where several processes count a log together and have their rules there; else in the data folder. */
export async function openErasures(
  basis: Basis,
  { shared }: Pick<Log, "shared">,
  signal?: AbortSignal,
): Promise<OpenedErasures> {
  const { config, clock, closers, logger } = basis;
  const file = erasuresFile(config.dataDir);
  if (shared === undefined || config.mongoUrl === null) {
    const register = await openSqliteErasures({ file });
    closers.add("erasures", () => register.close());
    return { register };
  }
  const { openMongoErasures } = await import("../erasure/mongo/mongo-register.ts");
  const register = openMongoErasures(config.mongoUrl, clock);
  closers.add("erasures", () => register.close());
  const process = folderId(config.dataDir);
  const waiting = ({ message }: WeirError, pauseMs: number): void =>
    logger.warn({ part: "erasures", pauseMs }, `${message}; trying again`);
  if (existsSync(file)) await untilThere(clock, () => moveErasures(file, register, process), waiting, signal);
  return {
    register,
    sharing: { process, archivist: () => register.archivist() },
    claimArchive: () => claim(register, process),
  };
}

/** What was asked for before others had the register. Done again after a crash, it changes nothing. */
export async function moveErasures(file: string, register: ErasureRegister, process: string): Promise<void> {
  const before = await openSqliteErasures({ file });
  try {
    for (const erasure of (await before.latest(allOfThem)).toReversed())
      await register.put({ ...erasure, askedOf: process });
  } finally {
    await before.close();
  }
  renameSync(file, `${file}.moved`);
}

const allOfThem = 2 ** 31;

async function claim(register: SharedErasures, process: string): Promise<void> {
  const having = await register.becomeArchivist(process);
  if (having === process) return;
  throw new WeirError(
    "registry_unavailable",
    `the archive is filled by the process with the data folder ${having}, and only by that: turn --archive off here, or see docs/operating.md to take its part`,
    { canRetry: true },
  );
}
