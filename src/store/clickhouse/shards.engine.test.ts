import assert from "node:assert/strict";
import { after, before } from "node:test";
import { type PlayedShards, playedCluster, startPlayedShards } from "../../../test/support/played-shards.ts";
import { type ServerStore, serverStore } from "../../../test/support/server-store.ts";
import { longValueCases } from "../long-values.suite.ts";
import { storeSuite } from "../store.suite.ts";
import { ShardedStore } from "./sharded-store.ts";

let servers: PlayedShards;

before(async () => {
  servers = await startPlayedShards(2);
});
after(() => servers.close());

/** Each of the servers, as one process has it. */
const shards = (urls = servers.urls): ServerStore[] =>
  urls.map((url, index) =>
    serverStore({ ...servers, url }, "weir", { shard: { index, count: urls.length, cluster: playedCluster } }),
  );

storeSuite(
  "ClickHouse as two servers that share the partitions",
  async () => {
    const store = new ShardedStore(shards().map((one) => one.store));
    return { store, cleanup: () => store.close() };
  },
  longValueCases,
);
void assert;
