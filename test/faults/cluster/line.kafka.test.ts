import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { rulesSettled } from "../../support/api.ts";
import { mishaps, openFaultyProxy } from "../../support/faulty-proxy.ts";
import { seeded } from "../../support/random.ts";
import { fewFaultRules } from "../fault-events.ts";
import { faultSeed, Stage } from "../stage.ts";
import { onStand } from "./stand.ts";

/** Of requests that write. More by `WEIR_PROXY_FAULTS`. */
const faultsLeast = Number(process.env["WEIR_PROXY_FAULTS"] ?? 60);
const [eachLeast, shares] = [3, [0.3, 0.1] as const] as const;
const patienceMs = 300_000 + 10_000 * faultsLeast;

onStand("R7", (stand) => {
  test("requests to the store that are cut, lost or never answered lose nothing and count nothing twice", async (t) => {
    const seed = faultSeed();
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    const proxy = await openFaultyProxy(stand().store.url, seeded(seed));
    t.after(() => proxy.close());
    const isEnough = (): boolean =>
      mishaps.every((one) => proxy.writes[one] >= eachLeast) &&
      mishaps.reduce((sum, one) => sum + proxy.writes[one], 0) >= faultsLeast;
    await Stage.run(seed, { senders: 2, requestEventsMax: 100, pauseMs: 30 }, async (stage) => {
      const store = stand().storeAt(proxy.url);
      await stand().withCrew(
        stage,
        { installation: "line", names: ["one", "two"], partitions: 4, store },
        async (seats) => {
          await stage.putRules(fewFaultRules);
          stage.senders.start(seats[0]!.server.ingestUrl);
          await pause(1_000);
          // Made from what is stored while requests go wrong.
          const late = fewFaultRules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_late` }));
          await stage.putRules(late, seats[1]!.server);
          proxy.setShare(...shares);
          const end = performance.now() + patienceMs;
          for (; !isEnough(); await pause(100)) assert.ok(performance.now() < end, JSON.stringify(proxy.writes));
          proxy.setShare(0);
          await stage.senders.stop();
          for (const seat of seats) await rulesSettled(seat.server.queryUrl);
          for (const seat of seats) await stage.verify([...fewFaultRules, ...late], seat.server);
          t.diagnostic(
            `${JSON.stringify(proxy.met)}, of them writes: ${JSON.stringify(proxy.writes)}; ${JSON.stringify(stage.ledger.summary())}`,
          );
        },
      );
    });
  });
});
