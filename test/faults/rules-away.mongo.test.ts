import assert from "node:assert/strict";
import { type TestContext, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { putRule, rules } from "../support/api.ts";
import { type MongoServer, startMongo, withOwnMongo } from "../support/mongo/mongo-server.ts";
import { openTcpProxy } from "../support/tcp-proxy.ts";
import { faultRules } from "./fault-events.ts";
import { absencesOf, later, withoutRulesPlace } from "./rules-place.ts";
import { faultSeed, Stage } from "./stage.ts";

/** For how long it is away, each time; `WEIR_RULES_AWAY_SECONDS=900` is the long form. */
const awaySeconds = Number(process.env["WEIR_RULES_AWAY_SECONDS"] ?? 4);
const load = { senders: 2, requestEventsMax: 100, pauseMs: 100 };

describe("rules in MongoDB, under load", withOwnMongo, () => {
  test("the server is killed and started again: its rules are there, and all is counted", async (t) => {
    await withMongo(t, async (stage, server) => {
      const args = ["--mongo-url", server.url];
      await stage.start({ args });
      await stage.putRules(faultRules);
      for (let kills = 0; kills < 2; kills++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(1000);
        await stage.server.killGroup();
        await stage.senders.stop();
        await stage.start({ args });
        const ids = (await rules(stage.server.queryUrl)).map(({ rule_id: id }) => id);
        assert.deepEqual(ids.toSorted(), faultRules.map(({ rule_id: id }) => id).toSorted());
      }
      await stage.verify(faultRules);
    });
  });

  test("R10: the rules' place is killed, frozen and cut off: rules go on, changes are refused, all is counted", async (t) => {
    await withMongo(t, async (stage, server) => {
      const proxy = await openTcpProxy(server.port);
      t.after(() => proxy.close());
      await stage.start({ args: ["--mongo-url", server.url.replace(`:${server.port}/`, `:${proxy.port}/`)] });
      await stage.putRules(faultRules);
      stage.senders.start(stage.server.ingestUrl);
      await pause(500);
      const meanwhile = { servers: [stage.server], seconds: awaySeconds, counting: "goes on" } as const;
      for (const absence of absencesOf(server, proxy)) await withoutRulesPlace(t, meanwhile, absence);
      await putRule(stage.server.queryUrl, later);
      await stage.senders.stop();
      const { requests } = stage.ledger.summary();
      assert.deepEqual([requests.refused, requests.unknown], [0, 0], "ingest was not to notice");
      await stage.verify([...faultRules, later]);
    });
  });
});

async function withMongo(t: TestContext, play: (stage: Stage, server: MongoServer) => Promise<void>): Promise<void> {
  const server = await startMongo();
  t.after(() => server.close());
  await Stage.run(faultSeed(), load, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    await play(stage, server);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
}
