import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Durations } from "../../../bench/lib/latency.ts";
import { openTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { Away } from "../away.ts";
import { fewFaultRules } from "../fault-events.ts";
import { absencesOf, later, withoutRulesPlace } from "../rules-place.ts";
import { faultSeed, Stage } from "../stage.ts";
import { onStand, type Stand } from "./stand.ts";

/** For how long the store is away, three times and a fourth; the rules' place each time for as long as it takes to see it. */
const given = process.env["WEIR_STORE_AWAY_SECONDS"];
const [awaySeconds, longSeconds] = [Number(given ?? 5), Number(given ?? 60)];
const rulesAwaySeconds = 1;
const settlesMs = 4_000;

onStand("R6 and R10", (stand) => {
  test("the store, then the rules' place, is killed, stands still, is cut off, and is silent: ingest goes on, and all is counted", async (t) => {
    const { store, mongo } = stand();
    const [line, ruleLine] = [await openTcpProxy(Number(new URL(store.url).port)), await openTcpProxy(mongo.port)];
    t.after(() => Promise.all([line.close(), ruleLine.close()]));
    const latencies = { now: new Durations() };
    const load = { senders: 2, requestEventsMax: 50, pauseMs: 95, patienceMs: 30_000 };
    const heard = { acknowledged: (ms: number) => latencies.now.add(ms) };
    await Stage.run(faultSeed(), { ...load, ...heard }, async (stage) => {
      t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
      const ways = {
        store: stand().storeAt(`http://127.0.0.1:${line.port}`),
        mongoUrl: `mongodb://127.0.0.1:${ruleLine.port}/`,
      };
      const crew = { installation: "away", names: ["one", "two"], partitions: 2, ...ways };
      await stand().withCrew(stage, crew, async (seats) => {
        const servers = (): { readonly queryUrl: string }[] => seats.map((seat) => seat.server);
        await stage.putRules(fewFaultRules);
        const away = new Away({ t, stage, latencies, servers, mayStand: false });
        stage.senders.start(seats[0]!.server.ingestUrl);
        await pause(settlesMs);
        await away.measureUsual();
        // After a short absence it takes as long again until an answer that got lost is known to be.
        for (const [kind, absence] of shortAbsences(stand(), line)) await away.without(kind, absence, 1.2);
        await away.without("cut off", () => lineIs(line, "refused", longSeconds));
        const meanwhile = { servers: servers(), seconds: rulesAwaySeconds, counting: "waits" } as const;
        for (const absence of absencesOf(mongo, ruleLine)) await withoutRulesPlace(t, meanwhile, absence);
        await stage.putRules([later], seats[1]!.server);
        await stage.senders.stop();
        stage.clientsWereNotToNotice();
        for (const seat of seats) await stage.verify([...fewFaultRules, later], seat.server);
        t.diagnostic(JSON.stringify(stage.ledger.summary()));
      });
    });
  });
});

/** In which ways a server can be away for those on the other side of a line, besides that the line is cut. */
const shortAbsences = ({ store }: Stand, line: TcpProxy): readonly (readonly [string, () => Promise<void>])[] => [
  ["killed again and again", () => killedFor(store, awaySeconds)],
  [
    "standing still",
    async () => {
      store.freeze();
      await pause(1000 * awaySeconds);
      store.thaw();
    },
  ],
  ["silent", () => lineIs(line, "silent", awaySeconds)],
];

async function lineIs(line: TcpProxy, passage: "refused" | "silent", seconds: number): Promise<void> {
  line.set(passage);
  await pause(1000 * seconds);
  line.set("through");
}

async function killedFor(store: { kill(): Promise<void> }, seconds: number): Promise<void> {
  for (const end = performance.now() + 1000 * seconds; performance.now() < end;) await store.kill();
}
