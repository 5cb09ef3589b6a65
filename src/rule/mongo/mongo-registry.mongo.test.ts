import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { withMongo } from "../../../test/support/mongo/mongo-server.ts";
import { closedTogether, mongoPlaces } from "../../../test/support/mongo/places.ts";
import { systemClock } from "../../lib/clock.ts";
import { serverAt } from "../../mongo/server.ts";
import { type RegistryPlace, registrySuite } from "../registry.suite.ts";
import { ChangeLog, type Entry } from "./change-log.ts";
import { openMongoRegistry, readLevelOf } from "./open.ts";
import { isForGood } from "./watch.ts";

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

  test("a set of replicas tells of an insertion by its stream, and any other server for good that it has none", async (t) => {
    const url = newUrl();
    const server = serverAt(url, url);
    t.after(() => server.close());
    const log = new ChangeLog(() => server.collection<Entry>("aggregation_rule_changes"), "local");
    let told = 0;
    const stream = log.watch(() => (told += 1));
    t.after(() => stream.close());
    let ended: { readonly error: unknown } | undefined;
    void stream.ended.then((error) => (ended = { error }));
    // What is inserted before the stream is open is not told.
    for (let made = 1; told === 0 && ended === undefined && made < 2000; made++) {
      await log.append(made, { change: `change ${made}`, records: 0, staged: made });
      await pause(50);
    }
    if (readLevelOf(await server.hello()) === "linearizable") assert.ok(told > 0, String(ended?.error));
    else assert.ok(isForGood(ended?.error), String(ended?.error));
  });
});
