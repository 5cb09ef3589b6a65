import { existsSync } from "node:fs";
import type { Config } from "../config/options.ts";
import { folderId } from "../lib/datadir.ts";
import type { Log } from "../log/log.ts";
import type { WeirError } from "../lib/errors.ts";
import { untilThere } from "../lib/until-there.ts";
import type { Registry } from "../rule/registry.ts";
import { openSqliteRegistry } from "../rule/sqlite/sqlite-registry.ts";
import { rulesFile } from "./folder.ts";
import type { StoreDeps } from "./store-host.ts";

export interface OpenedRules {
  readonly rules: Registry;
  /** They were made for another log. */
  readonly adopted: boolean;
  /** Says that they are this log's from now on: of this data folder, or of Kafka. */
  readonly claim: () => Promise<void>;
}

/** In the data folder, or in MongoDB, for which it is worth waiting. They belong to a log, as positions in them are of that alone. */
export async function openRegistry(
  { dataDir, mongoUrl }: Config,
  { clock, logger, signal }: StoreDeps,
  { shared }: Pick<Log, "shared">,
): Promise<OpenedRules> {
  const file = rulesFile(dataDir);
  if (mongoUrl === null)
    return { rules: await openSqliteRegistry({ file, clock }), adopted: false, claim: async () => {} };
  if (existsSync(file))
    logger.warn({ part: "rules", file }, "the rules are in MongoDB; those in this file are not used");
  const { openMongoRegistry } = await import("../rule/mongo/open.ts");
  const report = (message: string, err?: unknown): void => logger.warn({ part: "rules", err }, message);
  const open = () => openMongoRegistry({ url: mongoUrl, owner: shared?.identity ?? folderId(dataDir), clock, report });
  const waiting = (error: WeirError, pauseMs: number): void =>
    logger.warn({ part: "rules", pauseMs }, `${error.message}; trying again`);
  const { registry: rules, ...opened } = await untilThere(clock, open, waiting, signal);
  return { ...opened, rules };
}
