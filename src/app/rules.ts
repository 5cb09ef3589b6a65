import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/options.ts";
import { folderId } from "../lib/datadir.ts";
import { untilThere } from "../lib/until-there.ts";
import { openMongoRegistry } from "../rule/mongo/open.ts";
import type { Registry } from "../rule/registry.ts";
import { openSqliteRegistry } from "../rule/sqlite/sqlite-registry.ts";
import type { StoreDeps } from "./store.ts";

export interface OpenedRules {
  readonly rules: Registry;
  /** They were made for another log. */
  readonly adopted: boolean;
  /** Says that they are this installation's from now on. */
  readonly claim: () => Promise<void>;
}

/** In the data folder, or in MongoDB, for which it is worth waiting. */
export async function openRegistry(config: Config, { clock, logger }: StoreDeps): Promise<OpenedRules> {
  const { dataDir, mongoUrl } = config;
  const file = join(dataDir, "rules.sqlite");
  if (mongoUrl === null)
    return { rules: await openSqliteRegistry({ file, clock }), adopted: false, claim: async () => {} };
  if (existsSync(file))
    logger.warn({ part: "rules", file }, "the rules are in MongoDB; those in this file are not used");
  const report = (message: string, err?: unknown): void => logger.warn({ part: "rules", err }, message);
  const open = () => openMongoRegistry({ url: mongoUrl, owner: ownerOf(config), clock, report });
  const { registry: rules, ...opened } = await untilThere(clock, open, (error, pauseMs) =>
    logger.warn({ err: error, part: "rules", pauseMs }, "the rules are not there yet; trying again"),
  );
  return { ...opened, rules };
}

/**
 * Positions in rules are of a log, and their windows in a store. Where either is in a data folder, the rules are that
 * folder's; else all processes share them that share the topic, the group and the database.
 */
function ownerOf({ dataDir, kafkaBrokers, kafkaTopic, kafkaGroup, clickhouseUrl, clickhouseDatabase }: Config): string {
  if (kafkaBrokers.length === 0 || clickhouseUrl === null) return folderId(dataDir);
  return `topic ${kafkaTopic}, group ${kafkaGroup}, database ${clickhouseDatabase}`;
}
