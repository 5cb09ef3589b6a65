import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Durations } from "../../../bench/lib/latency.ts";
import { openTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { Away } from "../away.ts";
import { faultRules } from "../fault-events.ts";
import { faultSeed, Stage } from "../stage.ts";
import { onStand, type Stand } from "./stand.ts";

/** For how long the store is away, each of four times. */
const awaySeconds = Number(process.env["WEIR_STORE_AWAY_SECONDS"] ?? 8);
const settlesMs = 4_000;

onStand("R6", (stand) => {
  test("the store is killed, stands still, is cut off, and is silent: ingest goes on, and all is counted", async (t) => {
    const line = await openTcpProxy(Number(new URL(stand().store.url).port));
    t.after(() => line.close());
    const latencies = { now: new Durations() };
    const load = { senders: 2, requestEventsMax: 100, pauseMs: 95, patienceMs: 30_000 };
    const heard = { acknowledged: (ms: number) => latencies.now.add(ms) };
    await Stage.run(faultSeed(), { ...load, ...heard }, async (stage) => {
      t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
      const store = { ...stand().store, url: `http://127.0.0.1:${line.port}` };
      await stand().withCrew(
        stage,
        { installation: "away", names: ["one", "two"], partitions: 2, store },
        async (seats) => {
          const servers = (): { readonly queryUrl: string }[] => seats.map((seat) => seat.server);
          await stage.putRules(faultRules);
          // It is away for no longer than it takes until an answer that got lost is known to be.
          const away = new Away({ t, stage, latencies, servers, drainFactor: 1.2, mayStand: false });
          stage.senders.start(seats[0]!.server.ingestUrl);
          await pause(settlesMs);
          await away.measureUsual();
          for (const [kind, absence] of absences(stand(), line)) await away.without(kind, absence);
          await stage.senders.stop();
          const { requests } = stage.ledger.summary();
          assert.deepEqual([requests.unknown, requests.refused], [0, 0], "clients were not to notice");
          // A broker of a busy machine may not answer for a moment.
          const { resent } = stage.senders;
          assert.ok(
            resent <= 0.05 * requests.acknowledged,
            `${resent} of ${requests.acknowledged} had to be sent again`,
          );
          for (const seat of seats) await stage.verify(faultRules, seat.server);
          t.diagnostic(JSON.stringify(stage.ledger.summary()));
        },
      );
    });
  });
});

/** In which ways a server can be away for those on the other side of a line. */
const absences = ({ store }: Stand, line: TcpProxy): readonly (readonly [string, () => Promise<void>])[] => [
  ["killed again and again", () => killedFor(store, awaySeconds)],
  [
    "standing still",
    async () => {
      store.freeze();
      await pause(1000 * awaySeconds);
      store.thaw();
    },
  ],
  ["cut off", () => lineIs(line, "refused")],
  ["silent", () => lineIs(line, "silent")],
];

async function lineIs(line: TcpProxy, passage: "refused" | "silent"): Promise<void> {
  line.set(passage);
  await pause(1000 * awaySeconds);
  line.set("through");
}

async function killedFor(store: { kill(): Promise<void> }, seconds: number): Promise<void> {
  for (const end = performance.now() + 1000 * seconds; performance.now() < end;) await store.kill();
}
