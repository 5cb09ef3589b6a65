import { after, before } from "node:test";
import { serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { storeSuite } from "../store.suite.ts";

let server: StandAloneEngine;
before(async () => {
  server = await startStandAloneEngine();
});
after(() => server.close());

storeSuite("ClickHouse as a server that others run, rows sent as bodies and partitions claimed,", async () => {
  const { store } = serverStore(server, "suite");
  return { store, cleanup: () => store.close() };
});
