import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type BoundedProxy, openBoundedProxy } from "../../../test/support/bounded-proxy.ts";
import { serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { longValueCases } from "../long-values.suite.ts";
import { storeSuite } from "../store.suite.ts";

let server: StandAloneEngine;
let line: BoundedProxy;
before(async () => {
  server = await startStandAloneEngine();
  line = await openBoundedProxy(server.url);
});
after(async () => {
  await line.close();
  await server.close();
});

storeSuite(
  "ClickHouse as a server that others run, rows sent as bodies and partitions claimed,",
  async () => {
    const { store } = serverStore({ ...server, url: line.url }, "suite");
    return { store, cleanup: () => store.close() };
  },
  longValueCases,
);

test("nothing of it was beyond a server's bounds, and what would have been came as forms", () => {
  assert.equal(line.met.refused, 0);
  assert.ok(line.met.forms >= 10, `${line.met.forms} forms`);
});
