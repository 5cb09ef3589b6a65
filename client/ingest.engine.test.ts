import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { faultRules } from "../test/faults/fault-events.ts";
import { Stage, faultSeed } from "../test/faults/stage.ts";
import { openFaultyProxy } from "../test/support/faulty-proxy.ts";
import { seeded } from "../test/support/random.ts";
import type { Sender } from "./src/ingest/sender.ts";
import { Weir } from "./src/weir.ts";

type Event = ReturnType<Stage["make"]>;

/** Sends one event; what becomes of it is written down, and then `told` is done. */
async function send(stage: Stage, sender: Sender, event: Event, told: Promise<void>[]): Promise<void> {
  stage.ledger.sent([event]);
  const { outcome } = await sender.send(event);
  const names = { accepted: "acknowledged", refused: "refused", failed: "unknown" } as const;
  told.push(outcome.then(({ status }) => stage.ledger.settled([event], names[status])));
}

const roundsMax = 40;

/** One in so many breaks the contract. */
const badOneIn = 97;
const bad = (event: Event): Event => ({ ...event, event_type: "" });

describe("sending to a server that fails", () => {
  test("kills, stops and lost answers: every event has an outcome, and is there once", async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    await Stage.run(seed, {}, async (stage) => {
      await stage.start();
      await stage.putRules(faultRules);
      const proxy = await openFaultyProxy(() => stage.server.ingestUrl, random);
      proxy.setShare(0.1);
      // An answer that never comes is one of the things that go wrong.
      const weir = new Weir({ ingestUrl: proxy.url, timeoutMs: 1500 });
      const bounds = { batchEventsMax: 100, queueEventsMax: 1000, retryFirstMs: 20, retryMostMs: 300 };
      const sender = weir.sender({ ...bounds, wait: "durable" });
      const told: Promise<void>[] = [];
      for (let round = 0; round < 6; round++) {
        const disaster = pause(100 + random.int(400)).then(async () => {
          await (round % 3 === 2 ? stage.server.terminate() : stage.server.killGroup());
          await pause(random.int(400));
          await stage.start();
        });
        for (let count = 0; count < 2000; count++) {
          const event = stage.make();
          await send(stage, sender, random.int(badOneIn) === 0 ? bad(event) : event, told);
        }
        await disaster;
      }
      const counts = await sender.close();
      await Promise.all(told);
      await proxy.close();
      const { acknowledged, refused, unknown } = stage.ledger.summary();
      t.diagnostic(`${acknowledged} accepted, ${refused} refused; on the way ${JSON.stringify(proxy.met)}`);
      assert.deepEqual([counts.accepted, counts.refused, counts.failed, counts.waiting], [acknowledged, refused, 0, 0]);
      assert.deepEqual([acknowledged + refused, unknown], [12_000, 0]);
      assert.ok(refused > 0);
      await stage.verify(faultRules);
    });
  });

  test("too much at once and too much in one body: it waits, halves, and all are there", async (t) => {
    const seed = faultSeed();
    await Stage.run(seed, {}, async (stage) => {
      // Three bodies at a time are too much.
      await stage.start({ args: ["--body-bytes-max", "512KiB", "--inflight-bytes-max", "1MiB"] });
      await stage.putRules(faultRules);
      const statuses = new Map<number, number>();
      let underWay = 0;
      const counted: typeof fetch = async (url, init) => {
        underWay += 1;
        const response = await fetch(url, init).finally(() => (underWay -= 1));
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        return response;
      };
      const surroundings = { fetch: (url: string, init: RequestInit) => counted(url, init) };
      const weir = new Weir({ ingestUrl: stage.server.ingestUrl, surroundings });
      const sender = weir.sender({ batchEventsMax: 6000, requestsMax: 16, queueEventsMax: 120_000, retryFirstMs: 20 });
      const told: Promise<void>[] = [];
      let [made, over] = [0, 0];
      const make = async (): Promise<void> => {
        made += 1;
        await send(stage, sender, stage.make(), told);
        void told.at(-1)!.then(() => (over += 1));
      };
      // However slow this process is, and however fast the server: several requests meet one that has stood still for them, until they did.
      for (let round = 0; round < roundsMax && !(statuses.has(413) && statuses.has(429)); round++) {
        process.kill(stage.server.pid, "SIGSTOP");
        // Never so many that it would be waited for while it stands still.
        for (let count = 0; count < 12_000 && made - over < 80_000; count++) await make();
        for (const end = performance.now() + 5000; underWay < 4 && performance.now() < end;) await pause(10);
        process.kill(stage.server.pid, "SIGCONT");
        await pause(50);
      }
      await sender.close();
      await Promise.all(told);
      t.diagnostic(JSON.stringify(Object.fromEntries(statuses)));
      assert.ok((statuses.get(413) ?? 0) > 0 && (statuses.get(429) ?? 0) > 0, "the bounds were met");
      assert.equal(stage.ledger.summary().acknowledged, made);
      await stage.verify(faultRules);
    });
  });

  test("a server that takes nothing is waited for as long as it says, and then everything goes", async () => {
    const seed = faultSeed();
    await Stage.run(seed, {}, async (stage) => {
      // The disk never has so much room: every request is answered by 503.
      await stage.start({ args: ["--disk-free-min", "1TiB"] });
      const asked: number[] = [];
      const surroundings = {
        fetch: (url: string, init: RequestInit) => {
          asked.push(performance.now());
          return fetch(url.replace(/^http:\/\/[^/]+/, stage.server.ingestUrl), init);
        },
      };
      const weir = new Weir({ surroundings });
      const event = stage.make();
      stage.ledger.sent([event]);
      const failed = await weir.ingest([event], { retryForMs: 0 }).catch((error: unknown) => error);
      assert.match(JSON.stringify(failed), /"code":"log_full".*"failed":1/);
      const sender = weir.sender({ wait: "counted", retryFirstMs: 1 });
      const { outcome } = await sender.send(event);
      while (asked.length < 3) await pause(20);
      await stage.server.killGroup();
      await stage.start();
      await stage.putRules(faultRules);
      assert.deepEqual(await outcome, { status: "accepted" });
      const [, first = 0, second = 0] = asked; // The very first was that of `ingest`.
      // The server asks for a second at least; by itself the client would have come back after 1 ms.
      assert.ok(second - first > 990, `it came back after ${second - first} ms`);
      stage.ledger.settled([event], "acknowledged");
      const { total } = await counts(new Weir({ queryUrl: stage.server.queryUrl }), Date.parse(event.timestamp));
      assert.equal(total, 1, "counted means that the windows have it");
      await stage.verify(faultRules);
    });
  });
});

async function counts(weir: Weir, at: number): Promise<{ total: number }> {
  let total = 0;
  for await (const { value } of weir.stats.rows({ rule: "count_by_type", from: at - 60_000, to: at + 60_000 }))
    total += Number(value);
  return { total };
}
