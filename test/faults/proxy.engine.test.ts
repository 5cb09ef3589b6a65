import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type History, history } from "../oracle/histories.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../support/embedded-engine.ts";
import { type FaultyProxy, mishaps, openFaultyProxy } from "../support/faulty-proxy.ts";
import { Player } from "../support/player.ts";
import { seeded } from "../support/random.ts";
import { World } from "../support/world.ts";
import { faultSeed } from "./stage.ts";

/** Of requests that write: reading can lose and double nothing. More by `WEIR_PROXY_FAULTS`. */
const faultsLeast = Number(process.env["WEIR_PROXY_FAULTS"] ?? 60);
const shares = [0.35, 0.1] as const;

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("R7: requests to the engine that are cut, lost or never answered lose nothing and count nothing twice", async (t) => {
  const seed = faultSeed();
  t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
  const proxy = await openFaultyProxy(engine.url, seeded(seed));
  t.after(() => proxy.close());
  const total = (): number => mishaps.reduce((sum, one) => sum + proxy.writes[one], 0);
  for (let round = 0; total() < faultsLeast || mishaps.some((one) => proxy.writes[one] < 5); round++)
    await play(fc.sample(history, { seed: seed + round, numRuns: 1 })[0]!, `p${round}`, proxy);
  t.diagnostic(`${JSON.stringify(proxy.met)}, of them writes: ${JSON.stringify(proxy.writes)}`);
});

/** Nobody but the network does anything wrong. */
const unharmed = (one: History): History => ({
  ...one,
  life: { ...one.life, fates: [] },
  steps: one.steps.map((step) => (step.kind === "restart" ? { ...step, life: { ...step.life, fates: [] } } : step)),
});

async function play(one: History, name: string, proxy: FaultyProxy): Promise<void> {
  const direct = await engine.database(name);
  const connection = engine.through(proxy.url, name);
  // Only the world gives up soon: who judges it has time.
  const world = await World.make(connection, direct);
  try {
    proxy.setShare(...shares);
    const player = new Player(world, unharmed(one));
    await player.play();
    await world.settle();
    proxy.setShare(0);
    await player.check();
  } finally {
    proxy.setShare(0);
    await world.close();
    await connection.close();
    await direct.close();
    await engine.connection.write({ sql: `DROP DATABASE ${name}`, parameters: {} });
  }
}

test("a proxy that does nothing wrong passes everything on", async (t) => {
  const proxy = await openFaultyProxy(engine.url, seeded(1));
  const connection = engine.through(proxy.url, "weir");
  t.after(() => Promise.all([connection.close(), proxy.close()]));
  assert.deepEqual(await connection.rows({ sql: "SELECT 1 AS one", parameters: {} }), [{ one: 1 }]);
});
