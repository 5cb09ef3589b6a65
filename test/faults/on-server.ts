import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ask, postCounted } from "../support/api.ts";
import { seeded } from "../support/random.ts";
import type { ServerAccess } from "../support/server-store.ts";
import { type TardyProxy, openTardyProxy } from "../support/tardy-proxy.ts";
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

export const held = ["INSERT INTO raw_events", "INSERT INTO rollups"] as const;
type What = "weir" | "still" | "server" | "both";

/**
 * Weir on a server, killed again and again under load. What a killed process has asked for goes on in the server; and each time
 * one of its inserts is kept on the line until its successor counts, and arrives then. Judged by the ledger.
 */
export async function killOnServer(t: TestContext, server: ServerAccess, play: Play): Promise<void> {
  const random = seeded(play.seed);
  const gate = new Gate();
  const line = await openTardyProxy(server.url, (statement) => gate.wait(statement), server.ca);
  const args = ["--clickhouse-url", line.url, "--clickhouse-user", server.username];
  const options = {
    args: [...args, "--clickhouse-database", play.database],
    env: { WEIR_CLICKHOUSE_PASSWORD: server.password },
    readyTimeoutMs: 180_000,
  };
  try {
    await Stage.run(play.seed, { senders: 3, requestEventsMax: 200, pauseMs: 10 }, async (stage) => {
      await stage.start(options);
      await stage.putRules(faultRules);
      const status = JSON.stringify(await ask(`${stage.server.queryUrl}/status`));
      assert.match(status, /"detail":"ClickHouse \d[\d.]+ at http:/);
      for (let kill = 0; kill < play.kills; kill++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(random.int(1000));
        gate.hold(random.pick(held));
        await gate.holding();
        const what = play.mortal === null ? "weir" : random.pick<What>(["weir", "weir", "still", "server", "both"]);
        await deaths[what](stage, () => stage.start(options), gate, play.mortal);
        await stage.senders.stop();
        await gate.arrived(line);
      }
      await stage.verify(faultRules);
      assert.ok(!stage.server.output().includes(server.password), "the password was told");
      const refused = line.arrived.filter(({ answer }) => answer.includes("claim is not in force")).length;
      assert.ok(refused > 0, "no insert came behind its successor's claim");
      t.diagnostic(
        `seed ${play.seed}: ${play.kills} kills; ${line.arrived.length} inserts came late, ${refused} of them were refused; ${JSON.stringify(stage.ledger.summary())}`,
      );
    });
  } finally {
    gate.open();
    await line.close();
  }
}

/** Whether only the one who has claimed the partition may do it. Lists of groups are anyone's, as often as he likes. */
const isGuarded = (statement: string): boolean => statement.includes(" FROM claims ");

/** Keeps one statement waiting at a time. */
export class Gate {
  #beginning: string | null = null;
  #opened = Promise.withResolvers<void>();
  #caught = Promise.withResolvers<void>();
  #kept = 0;

  /** The next statement that begins so and is one writer's. */
  hold(beginning: string): void {
    this.#beginning = beginning;
    this.#opened = Promise.withResolvers();
    this.#caught = Promise.withResolvers();
  }

  wait(statement: string): Promise<void> | undefined {
    if (this.#beginning === null || !statement.startsWith(this.#beginning) || !isGuarded(statement)) return undefined;
    this.#beginning = null;
    this.#kept += 1;
    this.#caught.resolve();
    return this.#opened.promise;
  }

  holding(): Promise<void> {
    return this.#caught.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  /** Resolves when all that was kept has been answered by the server, or could not be handed on to one that was dead. */
  async arrived(line: Pick<TardyProxy, "arrived" | "waiting" | "lost">): Promise<void> {
    while (line.waiting() > 0 || line.arrived.length + line.lost() < this.#kept) await pause(5);
  }
}

type Death = (stage: Stage, start: () => Promise<unknown>, gate: Gate, mortal: Mortal | null) => Promise<void>;

/** How it goes on while an insert is kept on the line. */
const deaths: Readonly<Record<What, Death>> = {
  weir: async (stage, start, gate) => {
    await killed(stage);
    await start();
    await untilCounting(stage);
    gate.open();
  },
  /** The insert lies unread in the server's socket when the successor's first questions come. */
  still: async (stage, start, gate, mortal) => {
    mortal?.freeze();
    await killed(stage);
    gate.open();
    const starting = start();
    await pause(700);
    mortal?.thaw();
    await starting;
  },
  server: async (_, __, gate, mortal) => {
    await mortal?.kill();
    gate.open();
  },
  both: async (stage, start, gate, mortal) => {
    const back = mortal?.kill();
    await killed(stage);
    await Promise.all([start(), back]);
    await untilCounting(stage);
    gate.open();
  },
};

async function killed(stage: Stage): Promise<void> {
  await stage.server.killGroup();
  await stage.senders.stop();
}

/** The successor has read how far its predecessor was, and has gone on from there. */
async function untilCounting(stage: Stage): Promise<void> {
  const event = stage.make();
  stage.ledger.sent([event]);
  await postCounted(stage.server.ingestUrl, [event]);
  stage.ledger.settled([event], "acknowledged");
}
