import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { seeded } from "../support/random.ts";
import type { ServerAccess } from "../support/server-store.ts";
import { openTardyProxy } from "../support/tardy-proxy.ts";
import { faultRules } from "./fault-events.ts";
import { Stage } from "./stage.ts";

/** A server that may be killed, and stopped in its tracks. */
export interface Mortal {
  /** Resolves when it is there again, at the same address. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export interface Play {
  readonly seed: number;
  readonly database: string;
  readonly kills: number;
  /** Null: the server is left alone. */
  readonly mortal: Mortal | null;
}

const lateShare = 0.4;
const lateMs = 5000;

/**
 * Weir on a server, killed again and again under load. What a killed process has asked for goes on in the server, and a part of
 * its inserts arrives up to five seconds late, whoever has died meanwhile. Judged by the ledger.
 */
export async function killOnServer(t: TestContext, server: ServerAccess, play: Play): Promise<void> {
  const random = seeded(play.seed);
  let share = lateShare;
  const line = await openTardyProxy(server.url, (statement) =>
    statement.startsWith("INSERT INTO r") && random.chance(share) ? pause(random.int(lateMs)) : undefined,
  );
  const args = ["--clickhouse-url", line.url, "--clickhouse-user", server.username];
  const options = {
    args: [...args, "--clickhouse-database", play.database],
    env: { WEIR_CLICKHOUSE_PASSWORD: server.password },
    readyTimeoutMs: 60_000,
  };
  try {
    await Stage.run(play.seed, { senders: 3, requestEventsMax: 200, pauseMs: 10 }, async (stage) => {
      await stage.start(options);
      await stage.putRules(faultRules);
      const status = await (await fetch(`${stage.server.queryUrl}/status`)).text();
      assert.match(status, /"detail":"ClickHouse \d[\d.]+ at http:/);
      for (let kill = 0; kill < play.kills; kill++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(200 + random.int(1500));
        await oneKill(stage, options, play.mortal, random);
      }
      share = 0;
      await stage.verify(faultRules);
      assert.ok(!stage.server.output().includes(server.password), "the password was told");
      const late = line.arrived.filter(({ answer }) => answer.includes("claim is not in force")).length;
      t.diagnostic(
        `seed ${play.seed}: ${play.kills} kills; ${line.arrived.length} inserts came late, ${late} of them after their claim; ${JSON.stringify(stage.ledger.summary())}`,
      );
    });
  } finally {
    await line.close();
  }
}

async function oneKill(
  stage: Stage,
  options: Parameters<Stage["start"]>[0],
  mortal: Mortal | null,
  random: ReturnType<typeof seeded>,
): Promise<void> {
  const what = mortal === null ? "weir" : random.pick(["weir", "weir", "still", "server", "both"] as const);
  if (what === "still") mortal?.freeze();
  const back = what === "server" || what === "both" ? mortal?.kill() : undefined;
  if (what === "server") await back;
  else await stage.server.killGroup();
  await stage.senders.stop();
  const thaw = what === "still" ? pause(random.int(1500)).then(() => mortal?.thaw()) : undefined;
  await Promise.all([what === "server" ? undefined : stage.start(options), back, thaw]);
}
