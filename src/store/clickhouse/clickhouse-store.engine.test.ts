import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { storeSuite } from "../store.suite.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import { Connection } from "./connection.ts";
import { startEngine } from "./engine/engine.ts";

storeSuite("ClickHouse on the embedded engine", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-store-"));
  const engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const connection = new Connection({
    url: () => engine.url(),
    username,
    password,
    database: "weir",
    requestTimeoutMs: 60_000,
    newId: randomUUID,
  });
  const store = new ClickHouseStore({ connection, clock: systemClock });
  return {
    store,
    cleanup: async () => {
      await store.close();
      await engine.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
});
