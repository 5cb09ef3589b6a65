import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { freeBytesOf } from "../lib/disk.ts";
import { WeirError } from "../lib/errors.ts";
import { databasePath, witnessPath } from "../log/embedded/files.ts";
import { engineFolders } from "../store/clickhouse/engine/folders.ts";
import { engineFreeMin } from "../store/clickhouse/engine/room.ts";

/** @throws WeirError `disk_full`: a start writes here and there, and what fails halfway is harder to understand. */
export function mustHaveRoom(dataDir: string): void {
  const free = freeBytesOf(nearestThere(resolve(dataDir)));
  if (free >= engineFreeMin) return;
  const what = `the disk of ${resolve(dataDir)} has ${free} bytes left, and a start needs ${engineFreeMin}`;
  throw new WeirError("disk_full", `${what}; make room, nothing else is to be done`);
}

/** Where a folder is, or would be made. */
const nearestThere = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));

export const logFolder = (dataDir: string): string => join(dataDir, "log");
export const rulesFile = (dataDir: string): string => join(dataDir, "rules.sqlite");
export const erasuresFile = (dataDir: string): string => join(dataDir, "erasures.sqlite");

/** Whatever a server may have kept there. */
function partsOf(dataDir: string): readonly string[] {
  const log = logFolder(dataDir);
  const ofLog = [log, databasePath(log), witnessPath(log)];
  return [...ofLog, rulesFile(dataDir), erasuresFile(dataDir), ...Object.values(engineFolders(dataDir))];
}

/**
 * Brought back from a backup by another user, each part would be found to be theirs by whoever needs it, in words of its own.
 * @throws WeirError `invalid_config` which are not this user's
 */
export function mustBeOurs(dataDir: string, access: (path: string, mode: number) => void = accessSync): void {
  const isKeptFromUs = (path: string): boolean => {
    try {
      access(path, constants.R_OK | constants.W_OK);
      return false;
    } catch (error) {
      // Nothing is wrong with whose it is where it is not there, or where nobody may write.
      return error instanceof Error && "code" in error && error.code === "EACCES";
    }
  };
  const others = partsOf(dataDir).filter(isKeptFromUs);
  if (others.length === 0) return;
  const what = `the data folder ${dataDir} can't be used: this user may not read and write ${others.join(", ")}`;
  throw new WeirError("invalid_config", `${what}; all in it has to belong to the user that runs Weir (chown -R)`);
}

/**
 * For what only looks at a data folder, or works on what is in it: one that is mistyped would be made, and found to be in order.
 * @throws WeirError `invalid_config` when no server has kept anything there
 */
export function mustHaveData(dataDir: string): void {
  if (partsOf(dataDir).some((path) => existsSync(path))) return;
  const what = `${resolve(dataDir)} ${existsSync(dataDir) ? "has no data of Weir" : "is not there"}`;
  throw new WeirError(
    "invalid_config",
    `${what}; name the folder of the server by --data-dir, or a server that runs by --url`,
  );
}
