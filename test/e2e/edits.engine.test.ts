import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type History, history } from "../oracle/histories.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../support/embedded-engine.ts";
import { Player } from "../support/player.ts";
import { playRounds, roundSeed } from "../support/rounds.ts";
import { World } from "../support/world.ts";

/**
 * The differential test of histories: whatever is done to rules while events arrive and are erased, wherever the batches are
 * cut, and however often the process ends in between or its writes go wrong, every rule answers what brute force makes of all
 * events that are left.
 */
let engine: EmbeddedEngine;
let databases = 0;
let fatesMet = 0;
let erased = 0;

before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("rules that are edited while processes come and go answer what brute force makes of all events", async (t) => {
  t.diagnostic(`WEIR_SEED=${roundSeed}`);
  await playRounds(history, 40, play);
  t.diagnostic(`${fatesMet} writes went wrong, events were erased ${erased} times`);
  assert.ok(fatesMet > 0 && erased > 0);
});

async function play(one: History): Promise<void> {
  const name = `w${databases++}`;
  const connection = await engine.database(name);
  const world = await World.make(connection);
  try {
    const player = new Player(world, one);
    await player.play();
    await player.check();
    erased += player.erasures;
  } finally {
    await world.close();
    fatesMet += world.fatesMet;
    await connection.close();
    await engine.connection.write({ sql: `DROP DATABASE ${name}`, parameters: {} });
  }
}
