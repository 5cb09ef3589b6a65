import { after, before, describe } from "node:test";
import {
  databaseUrl,
  givenUrl,
  type MongoServer,
  startMongo,
  withMongo,
} from "../../../test/support/mongo/mongo-server.ts";
import { systemClock } from "../../lib/clock.ts";
import { type RegistryPlace, registrySuite } from "../registry.suite.ts";
import { openMongoRegistry } from "./open.ts";

describe("rules in MongoDB", withMongo, () => {
  let server: MongoServer | undefined;
  before(async () => {
    if (givenUrl === "") server = await startMongo();
  });
  after(() => server?.close());

  const place = async (): Promise<RegistryPlace> => {
    const url = databaseUrl(server?.url ?? givenUrl);
    const open = async () => (await openMongoRegistry({ url, clock: systemClock })).registry;
    return { open, cleanup: async () => {} };
  };

  registrySuite("mongo", place);
});
