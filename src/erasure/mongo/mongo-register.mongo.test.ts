import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MongoClient } from "mongodb";
import { withMongo } from "../../../test/support/mongo/mongo-server.ts";
import { closedTogether, mongoPlaces } from "../../../test/support/mongo/places.ts";
import { systemClock } from "../../lib/clock.ts";
import type { SharedErasures } from "../register.ts";
import { registerSuite, type RegisterPlace, sampleErasure } from "../register.suite.ts";
import { openMongoErasures } from "./mongo-register.ts";

interface SharedPlace extends RegisterPlace {
  readonly url: string;
  readonly open: () => Promise<SharedErasures>;
}

describe("erasures in MongoDB", withMongo, () => {
  const newUrl = mongoPlaces();

  const place = async (): Promise<SharedPlace> => {
    const url = newUrl();
    return { url, ...closedTogether(() => openMongoErasures(url, systemClock)) };
  };

  registerSuite("mongo", place);

  test("values are gone with the first step, also when who took it has died, and what stays open by that is closed", async () => {
    const { url, open, cleanup } = await place();
    const client = new MongoClient(url);
    try {
      const register = await open();
      const entries = client.db().collection<{ _id: string }>("erasures");
      const kept = async (): Promise<string> => JSON.stringify(await entries.find().toArray());
      await register.put(sampleErasure("a"));
      await register.put(sampleErasure("b"));
      assert.match(await kept(), /u1/);
      for (const [id, step] of [
        ["a", "removing"],
        ["b", "done"],
      ] as const) {
        await register.put(sampleErasure(id, { state: step, events: step === "done" ? 0 : 3, values: [] }));
        // As if it had not come so far.
        await entries.updateOne({ _id: id }, { $set: { open: true, values: '["u1"]' } });
      }
      assert.deepEqual(
        (await register.unfinished()).map(({ id, values }) => [id, values]),
        [["a", []]],
      );
      assert.doesNotMatch(await kept(), /u1/);
      assert.match(await kept(), /"_id":"b",[^}]*"open":false/);
    } finally {
      await client.close();
      await cleanup();
    }
  });

  test("one has the archive, whoever else asks for it", async () => {
    const { open, cleanup } = await place();
    try {
      const [one, other] = [await open(), await open()];
      assert.equal(await one.archivist(), undefined);
      const told = await Promise.all(
        ["p", "q", "r"].map((process, i) => [one, other, one][i]!.becomeArchivist(process)),
      );
      assert.equal(new Set(told).size, 1);
      assert.equal(await other.archivist(), told[0]);
      assert.equal(await other.becomeArchivist("s"), told[0]);
      assert.deepEqual(await one.latest(10), [], "it is no erasure");
    } finally {
      await cleanup();
    }
  });
});

test("a register that is away is told by its address, without secrets, and may be tried again", async () => {
  const register = openMongoErasures("mongodb://ann:secret@127.0.0.1:1/weir", systemClock);
  await assert.rejects(register.put(sampleErasure("a")), {
    ...{ code: "registry_unavailable", canRetry: true },
    message: /^the erasures in MongoDB at mongodb:\/\/\*\*\*@127\.0\.0\.1:1\/weir can't be used: nobody listens there/,
  });
  await register.close();
});
