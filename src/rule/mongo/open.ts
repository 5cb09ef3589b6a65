import { randomUUID } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { withoutSecrets } from "../../lib/url-secrets.ts";
import { mongoTrouble } from "../../mongo/trouble.ts";
import { serverAt } from "../../mongo/server.ts";
import { ChangeLog, type Entry, type ReadLevel } from "./change-log.ts";
import { MongoRegistry } from "./mongo-registry.ts";
import type { Report } from "./watch.ts";
import { StoredRecords, type StoredRecord } from "./stored-records.ts";

export interface MongoRegistryOptions {
  /** `mongodb://…`; the database is the one that it names, else `weir`. */
  readonly url: string;
  /** Who the rules belong to, where positions in them are of a log that nobody else has. */
  readonly owner?: string;
  readonly clock: Clock;
  /** Told when the server does not answer any more, with the reason, and when it does again. */
  readonly report?: Report;
}

export interface OpenedRegistry {
  readonly registry: MongoRegistry;
  /** There were changes already, and nobody's: their positions are of another log than the owner's. */
  readonly adopted: boolean;
  /** Makes them the owner's, once what was adopted has been put right. Rejects when somebody else was first. */
  claim(): Promise<void>;
}

/**
 * Opens the rules in MongoDB, or in a server that speaks its protocol.
 * @throws WeirError `registry_unavailable`: with `canRetry` when waiting may help; `invalid_config` when it can't.
 */
export async function openMongoRegistry({
  url,
  owner,
  clock,
  report = () => {},
}: MongoRegistryOptions): Promise<OpenedRegistry> {
  const place = withoutSecrets(url);
  const server = serverAt(url, place);
  try {
    const level = readLevelOf(await server.hello());
    if (level === "local") report(`${place} is no set of replicas: the rules are as safe as its one disk`);
    const log = new ChangeLog(() => server.collection<Entry>("aggregation_rule_changes"), level);
    const stored = new StoredRecords(() => server.collection<StoredRecord>("aggregation_rules"));
    const newId = (): string => randomUUID().slice(0, 18);
    const registry = new MongoRegistry({ log, stored, clock, place, server, newId, report });
    const had = { owner: await log.owner(), changes: await log.count() };
    mustBe(owner, had.owner, place);
    await registry.load();
    // Who starts beside us has made changes, too, and no rule yet.
    const adopted =
      owner !== undefined && had.owner === undefined && had.changes > 0 && (await registry.all()).length > 0;
    const claim = async (): Promise<void> => {
      if (owner !== undefined) mustBe(owner, await log.claim(owner), place);
    };
    return { registry, adopted, claim };
  } catch (error) {
    await server.close().catch(() => {});
    throw mongoTrouble("the rules", place, error);
  }
}

/**
 * In a set of replicas only a linearizable reading never answers from one that was replaced as the primary and has not
 * noticed. A server alone does not take it, and has no such trouble.
 */
export function readLevelOf(hello: Record<string, unknown>): ReadLevel {
  return typeof hello["setName"] === "string" || hello["msg"] === "isdbgrid" ? "linearizable" : "local";
}

function mustBe(owner: string | undefined, found: string | undefined, place: string): void {
  if (owner === undefined || found === undefined || owner === found) return;
  throw invalid(
    `the rules in ${place} belong to another data folder (${found}, this one is ${owner}), where a cluster, topic and group of Kafka count as one: give each a database of its own, or see docs/operating.md to take them over`,
  );
}

const invalid = (message: string): WeirError => new WeirError("invalid_config", message);
