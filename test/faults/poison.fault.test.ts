import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultEvents, faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";
import { alterTables, leavePoison, rejects, runRejects, takePoison } from "./poison.ts";
import { postCounted } from "../support/api.ts";

test("try", { timeout: 120_000 }, async (t) => {
  const seed = faultSeed();
  await Stage.run(seed, {}, async (stage) => {
    await alterTables(stage.dataDir, [takePoison]);
    const { queryUrl, ingestUrl } = await stage.start();
    await stage.putRules(faultRules.slice(0, 3));
    const events = new FaultEvents(seed, Date.now());
    for (const n of [0, 1, 3, 10]) {
      const good = Array.from({ length: 10_000 - n }, () => events.make());
      const all: any[] = [...good];
      for (let i = 0; i < n; i++) all.splice(Math.floor((i + 0.4) * 10_000 / n), 0, { ...events.make(), event_id: `poison-${n}-${i}` });
      stage.ledger.sent(good);
      const at = performance.now();
      await postCounted(ingestUrl, all);
      stage.ledger.settled(good, "acknowledged");
      t.diagnostic(`${n} poison: ${Math.round(performance.now() - at)} ms`);
    }
    console.log(await rejects(queryUrl));
    console.log(await runRejects(stage.server, "list"));
    console.log(await runRejects(stage.server, "replay"));
    await stage.verify(faultRules.slice(0, 3));
  });
});
