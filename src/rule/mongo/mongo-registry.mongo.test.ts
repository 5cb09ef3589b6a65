import { after, before, describe } from "node:test";
import {
  databaseUrl,
  givenUrl,
  type MongoServer,
  startMongo,
  withMongo,
} from "../../../test/support/mongo/mongo-server.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Registry } from "../registry.ts";
import { type RegistryPlace, registrySuite } from "../registry.suite.ts";
import { openMongoRegistry } from "./open.ts";

const failpoints = { "rules-half-staged": "not made", "rules-staged": "not made", "rules-changed": "made" } as const;

const opener = (url: string): string => `
  import { systemClock } from ${JSON.stringify(new URL("../../lib/clock.ts", import.meta.url).href)};
  import { openMongoRegistry } from ${JSON.stringify(new URL("./open.ts", import.meta.url).href)};
  const { registry } = await openMongoRegistry({ url: ${JSON.stringify(url)}, clock: systemClock });`;

describe("rules in MongoDB", withMongo, () => {
  let server: MongoServer | undefined;
  before(async () => {
    if (givenUrl === "") server = await startMongo();
  });
  after(() => server?.close());

  const place = async (): Promise<RegistryPlace> => {
    const url = databaseUrl(server?.url ?? givenUrl);
    const opened: Registry[] = [];
    const open = async (): Promise<Registry> => {
      const { registry } = await openMongoRegistry({ url, clock: systemClock });
      opened.push(registry);
      return registry;
    };
    // What a failed case has left open would keep the process.
    const cleanup = async (): Promise<void> => {
      for (const registry of opened) await registry.close();
    };
    return { open, opener: opener(url), failpoints, cleanup };
  };

  registrySuite("mongo", place);
});
