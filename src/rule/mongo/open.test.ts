import assert from "node:assert/strict";
import { test } from "node:test";
import { MongoClient } from "mongodb";
import { readLevelOf } from "./open.ts";
import { databaseOf } from "../../mongo/server.ts";
import { isForGood } from "./watch.ts";

test("what an address says of concerns and preferences does not go before ours", async () => {
  const weak = "mongodb://host/rules?w=0&journal=false&readConcernLevel=local&readPreference=secondary";
  const client = new MongoClient(weak);
  const {
    dbName: databaseName,
    writeConcern,
    readConcern,
    readPreference,
  } = databaseOf(client, weak).collection("any");
  assert.deepEqual(
    [databaseName, writeConcern?.w, writeConcern?.j, readConcern?.level, readPreference?.mode],
    ["rules", "majority", true, "majority", "primary"],
  );
  await client.close();
});

test("without a database in the address it is weir", async () => {
  const names = ["mongodb://host", "mongodb://a,b/", "mongodb://host/?w=1", "mongodb://u:p@host/my?w=1"].map((url) => {
    const client = new MongoClient(url);
    return databaseOf(client, url).databaseName;
  });
  assert.deepEqual(names, ["weir", "weir", "weir", "my"]);
});

test("a set of replicas is read linearizably, a server alone can't be", () => {
  assert.equal(readLevelOf({ setName: "rs0" }), "linearizable");
  assert.equal(readLevelOf({ msg: "isdbgrid" }), "linearizable");
  assert.equal(readLevelOf({ isWritablePrimary: true }), "local");
});

test("where there are no change streams is known by the code of the error", () => {
  for (const code of [238, 115, 40573]) assert.ok(isForGood({ code }));
  for (const error of [undefined, new Error("away"), { code: 11600 }]) assert.ok(!isForGood(error));
});
