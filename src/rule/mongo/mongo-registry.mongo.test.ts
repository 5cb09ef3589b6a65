import { describe } from "node:test";
import { withMongo } from "../../../test/support/mongo/mongo-server.ts";
import { closedTogether, mongoPlaces } from "../../../test/support/mongo/places.ts";
import { systemClock } from "../../lib/clock.ts";
import { type RegistryPlace, registrySuite } from "../registry.suite.ts";
import { openMongoRegistry } from "./open.ts";

const failpoints = { "rules-half-staged": "not made", "rules-staged": "not made", "rules-changed": "made" } as const;

const opener = (url: string): string => `
  import { systemClock } from ${JSON.stringify(new URL("../../lib/clock.ts", import.meta.url).href)};
  import { openMongoRegistry } from ${JSON.stringify(new URL("./open.ts", import.meta.url).href)};
  const { registry } = await openMongoRegistry({ url: ${JSON.stringify(url)}, clock: systemClock });`;

describe("rules in MongoDB", withMongo, () => {
  const newUrl = mongoPlaces();

  const place = async (): Promise<RegistryPlace> => {
    const url = newUrl();
    const registries = closedTogether(async () => (await openMongoRegistry({ url, clock: systemClock })).registry);
    return { ...registries, opener: opener(url), failpoints };
  };

  registrySuite("mongo", place);
});
