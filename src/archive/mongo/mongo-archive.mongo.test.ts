import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { MongoClient } from "mongodb";
import { databaseUrl, givenUrl, startMongo, withMongo } from "../../../test/support/mongo/mongo-server.ts";
import type { MongoServer } from "../../../test/support/mongo/mongo-server.ts";
import { offset, src } from "../../event/position.ts";
import type { Archive, ArchivedEvent } from "../archive.ts";
import { systemClock } from "../../lib/clock.ts";
import { openMongoArchive } from "./mongo-archive.ts";

const at = Date.UTC(2026, 0, 13, 10);
const event = (off: number, more: Partial<ArchivedEvent> = {}): ArchivedEvent => ({
  ...{ src: src(0), off: offset(off), event_id: `e${off}`, event_type: "t", user_id: `u${off % 2}` },
  ...{ timestamp: at, payload: "{}", receivedAt: at + 5 },
  ...more,
});
/** Keys and numbers that a document of MongoDB would refuse, or change. */
const odd = '{"$set":{"a.b":[[1.50,{"":null}]]},"big":123456789012345678901234567890,"z":1,"a":-0.0}';

describe("the archive in MongoDB", withMongo, () => {
  let server: MongoServer | undefined;
  let client: MongoClient;
  let archive: Archive;
  before(async () => {
    server = givenUrl === "" ? await startMongo() : undefined;
    const url = databaseUrl(server?.url ?? givenUrl);
    client = new MongoClient(url);
    archive = openMongoArchive(url, systemClock);
  });
  after(async () => {
    await client?.db().dropDatabase();
    await Promise.all([client?.close(), archive?.close()]);
    await server?.close();
  });
  const found = () =>
    client.db().collection<{ _id: string }>("raw_events").find().sort({ partition: 1, off: 1 }).toArray();

  test("has events whole, each once under its position, however often it is put", async () => {
    await archive.put([event(0, { payload: odd }), event(1)]);
    await archive.put([event(0, { payload: "{}" }), event(1), event(2 ** 40, { event_id: "e1" })]);
    const documents = await found();
    assert.deepEqual(
      documents.map(({ _id }) => _id),
      ["0:0", "0:1", `0:${2 ** 40}`],
    );
    assert.deepEqual(documents[0], {
      ...{ _id: "0:0", partition: 0, off: 0, event_id: "e0", event_type: "t", user_id: "u0", payload: odd },
      ...{ timestamp: new Date(at), received_at: new Date(at + 5) },
    });
  });

  test("names an event that the server refuses, and puts the others", { skip: givenUrl !== "" }, async () => {
    // FerretDB takes no infinity; a real MongoDB refuses events where somebody has given the collection a validator.
    await assert.rejects(archive.put([event(20), event(Infinity), event(21)]), {
      ...{ code: "registry_unavailable", canRetry: true },
      message:
        /^the archive in MongoDB at .* can't be used: it does not take the event at 0:Infinity \(.*infinity.*\); see/,
    });
    assert.equal((await found()).filter(({ _id }) => /^0:2[01]$/.test(_id)).length, 2);
    await client
      .db()
      .collection<{ _id: string }>("raw_events")
      .deleteMany({ _id: { $in: ["0:20", "0:21"] } });
  });

  test("does not take another event for one that is there already, whatever index somebody has added", async () => {
    const events = client.db().collection<{ _id: string }>("raw_events");
    await events.createIndex({ user_id: 1, event_id: 1 }, { unique: true, name: "theirs" });
    try {
      const one = (off: number): ArchivedEvent => event(off, { user_id: "alone", event_id: "same" });
      await archive.put([one(30)]);
      await archive.put([one(30)]);
      await assert.rejects(archive.put([one(30), one(31)]), {
        message: /it does not take the event at 0:31 \(a unique index finds it in another event\)/,
      });
    } finally {
      await events.dropIndex("theirs");
      await events.deleteMany({ _id: { $in: ["0:30", "0:31"] } });
    }
  });

  test("notes how far it is, as long as it has what was noted before", async () => {
    const [from, to] = [offset(0), offset(7)];
    assert.equal(await archive.noted(src(2)), 0);
    assert.equal(await archive.note(src(2), offset(1), to), false);
    assert.equal(await archive.noted(src(2)), 0);
    assert.equal(await archive.note(src(2), from, to), true);
    assert.equal(await archive.note(src(2), to, offset(9)), true);
    assert.equal(await archive.note(src(2), to, offset(8)), true, "again, in whatever order");
    assert.equal(await archive.note(src(2), offset(10), offset(12)), false);
    assert.deepEqual([await archive.noted(src(2)), await archive.noted(src(3))], [9, 0]);
  });

  test("erases what lies below, and knows from where nothing comes back", async () => {
    await archive.put([event(10), event(11), event(12), event(10, { src: src(1) })]);
    assert.equal(await archive.floor(src(0)), 0);
    await archive.erase({ by: "user_id", values: ["u0", "nobody"], below: { 0: 12, 1: 10 } });
    const left = (await found()).map(({ _id }) => _id);
    assert.deepEqual(left, ["0:1", "0:11", "0:12", `0:${2 ** 40}`, "1:10"]);
    assert.deepEqual([await archive.floor(src(0)), await archive.floor(src(1))], [12, 10]);
    await archive.erase({ by: "event_id", values: ["e1"], below: { 0: 5 } });
    assert.deepEqual(
      (await found()).map(({ _id }) => _id),
      ["0:11", "0:12", `0:${2 ** 40}`, "1:10"],
    );
    assert.equal(await archive.floor(src(0)), 12, "it never sinks");
  });
});

test("an archive that is away is told by its address, without secrets, and may be tried again", async () => {
  const archive = openMongoArchive("mongodb://ann:secret@127.0.0.1:1/weir", systemClock);
  await assert.rejects(archive.put([event(0)]), {
    ...{ code: "registry_unavailable", canRetry: true },
    message: /^the archive in MongoDB at mongodb:\/\/\*\*\*@127\.0\.0\.1:1\/weir can't be used: nobody listens there/,
  });
  await archive.close();
});
