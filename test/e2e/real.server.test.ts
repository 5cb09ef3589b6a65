import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { protocolSuite } from "../../src/store/clickhouse/engine/protocol.suite.ts";
import { longValueCases } from "../../src/store/long-values.suite.ts";
import { storeSuite } from "../../src/store/store.suite.ts";
import { killOnServer } from "../faults/on-server.ts";
import { faultSeed } from "../faults/stage.ts";
import { serverStore } from "../support/server-store.ts";
import { countsOn } from "./counts-on.ts";

/** The lane against a server that is given by its address: see docs/operating.md. */
const url = process.env["WEIR_CLICKHOUSE_URL"] ?? "";
const username = process.env["WEIR_CLICKHOUSE_USER"] ?? "default";
const password = process.env["WEIR_CLICKHOUSE_PASSWORD"] ?? "";
const caFile = process.env["WEIR_CLICKHOUSE_CA"];
const ca = caFile === undefined ? undefined : readFileSync(caFile);
const access = { url, username, password, ca };
const lane = `weir_lane_${randomBytes(4).toString("hex")}`;

test("the lane has the address of a server", () => {
  assert.ok(
    URL.canParse(url),
    "set WEIR_CLICKHOUSE_URL, and if need be WEIR_CLICKHOUSE_USER, WEIR_CLICKHOUSE_PASSWORD and WEIR_CLICKHOUSE_CA",
  );
});

describe("the protocol", () => {
  protocolSuite(() => ({ url: () => url, username, password, ca }));
});

storeSuite(
  "ClickHouse at the address of the lane",
  async () => {
    const { store } = serverStore(access, `${lane}_store`);
    return { store, cleanup: () => store.close() };
  },
  longValueCases,
);

test("Weir counts at the very address, with no proxy in between", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-lane-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const database = ["--clickhouse-database", `${lane}_direct`];
  await countsOn(access, dataDir, [...database, ...(caFile === undefined ? [] : ["--clickhouse-ca", caFile])]);
});

test("Weir is killed ten times, and all is counted once", async (t) => {
  await killOnServer(t, access, { seed: faultSeed(), database: `${lane}_kills`, kills: 10, mortal: null });
});
