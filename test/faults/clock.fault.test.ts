import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { allStats, ask, deleteRule, putRule, rulesSettled } from "../support/api.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

const command = [fileURLToPath(new URL("../support/stepped-clock.fixture.ts", import.meta.url)), "serve"];
const [minuteMs, hourMs] = [60_000, 3_600_000];

/**
 * How far the server's clock is off, one after the other: ahead, right again, behind, ahead at once by four hours, right. And
 * whether it is set while events come: one that is set in a quiet hour is not put right by the next batch.
 */
const steps = [
  { offsetMs: 2 * hourMs, isBusy: true },
  { offsetMs: 0, isBusy: false },
  { offsetMs: -2 * hourMs, isBusy: false },
  { offsetMs: 2 * hourMs, isBusy: true },
  { offsetMs: 0, isBusy: true },
];
/** Whatever the clock says, nothing may take longer; much longer than it takes. */
const promptMs = 180_000;

test("R13: a clock that is set while it runs: nothing stands still, windows go by event time", async (t) => {
  await Stage.run(faultSeed(), { senders: 2, requestEventsMax: 50, pauseMs: 20 }, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    const scene = new Scene(t, stage);
    scene.setClock(0);
    await stage.start({ command, env: { CLOCK_OFFSET_FILE: scene.clockFile } });
    await stage.putRules(faultRules);
    await putRule(stage.server.queryUrl, watchedRule);
    await scene.watch();
    for (const [index, { offsetMs, isBusy }] of steps.entries()) {
      if (isBusy) stage.senders.start(stage.server.ingestUrl);
      await pause(300);
      scene.setClock(offsetMs);
      t.diagnostic(`off by ${offsetMs / hourMs} hours, ${isBusy ? "under load" : "in quiet"}`);
      if (!isBusy) await scene.finality(offsetMs);
      if (!isBusy) stage.senders.start(stage.server.ingestUrl);
      await scene.everythingGoesOn(`mark_${index}`);
      await stage.senders.stop();
      await scene.finality(offsetMs);
    }
    await scene.longAgo();
    scene.setClock(0);
    assert.equal(stage.ledger.summary().requests.unknown, 0);
    await stage.verify(faultRules);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
});

test("R13: times that are out of bounds are refused with the reason, odd ones within have windows of their own", async (t) => {
  await Stage.run(faultSeed(), {}, async (stage) => {
    const scene = new Scene(t, stage);
    scene.setClock(2 * hourMs);
    await stage.start({ command, env: { CLOCK_OFFSET_FILE: scene.clockFile } });
    const { queryUrl } = stage.server;
    const rule = { metric: "count", group_by: ["event_type"], active: true };
    await putRule(queryUrl, { ...rule, rule_id: "hours", window_size: "1h" });
    await putRule(queryUrl, { ...rule, rule_id: "berlin_days", window_size: "1d", timezone: "Europe/Berlin" });
    for (const [timestamp, reason] of outOfBounds) {
      const { status, text } = await scene.post([{ ...event, event_id: `out ${timestamp}`, timestamp }]);
      assert.equal(status, 422, `${timestamp}: ${status} ${text}`);
      assert.match(text, reason, String(timestamp));
      assert.match(text, /"path":"\[0\]\.timestamp"/);
    }
    const events = odd.map(({ timestamp }, index) => ({ ...event, event_id: `odd ${index}`, timestamp }));
    assert.equal((await scene.post(events, "?wait=counted")).status, 200);
    for (const rule_id of ["hours", "berlin_days"] as const) {
      const expected = new Map<string, number>();
      for (const one of odd) expected.set(one[rule_id], (expected.get(one[rule_id]) ?? 0) + 1);
      const rows = await allStats(queryUrl, rule_id, 0, Date.now() + 24 * hourMs);
      assert.deepEqual(
        Object.fromEntries(rows.map((row) => [row["window_start"], row["value"]])),
        Object.fromEntries(expected),
        rule_id,
      );
    }
  });
});

const event = { user_id: "u", event_type: "odd" };

const outOfBounds: readonly (readonly [string | number, RegExp])[] = [
  ["0001-01-01T00:00:00Z", /1970/],
  ["1969-12-31T23:59:59.999Z", /1970/],
  ["9999-12-31T23:59:59Z", /ahead|future/],
  [253_402_300_799_000, /ahead|future/],
  // Microseconds, and nanoseconds, for milliseconds.
  [1_768_300_000_000_000, /ahead|future|milliseconds/],
  [-1, /1970/],
  ["2023-02-29T00:00:00Z", /RFC 3339|not a time|day/],
  // A day ahead of the server's clock, which is two hours ahead itself.
  [Date.now() + 27 * hourMs, /ahead|future/],
];

/** Leap days, both changes of the clock in Berlin, and seconds for milliseconds, which is a time in January 1970. */
const odd = [
  { timestamp: "2024-02-29T23:59:59.999Z", hours: "2024-02-29T23:00:00Z", berlin_days: "2024-02-29T23:00:00Z" },
  { timestamp: "2000-02-29T12:00:00+14:00", hours: "2000-02-28T22:00:00Z", berlin_days: "2000-02-27T23:00:00Z" },
  { timestamp: "2025-03-29T22:59:59Z", hours: "2025-03-29T22:00:00Z", berlin_days: "2025-03-28T23:00:00Z" },
  { timestamp: "2025-03-29T23:00:00Z", hours: "2025-03-29T23:00:00Z", berlin_days: "2025-03-29T23:00:00Z" },
  { timestamp: "2025-03-30T21:59:59Z", hours: "2025-03-30T21:00:00Z", berlin_days: "2025-03-29T23:00:00Z" },
  { timestamp: "2025-03-30T22:00:00Z", hours: "2025-03-30T22:00:00Z", berlin_days: "2025-03-30T22:00:00Z" },
  { timestamp: "2025-10-25T22:00:00Z", hours: "2025-10-25T22:00:00Z", berlin_days: "2025-10-25T22:00:00Z" },
  { timestamp: "2025-10-26T22:59:59Z", hours: "2025-10-26T22:00:00Z", berlin_days: "2025-10-25T22:00:00Z" },
  { timestamp: "2025-10-26T23:00:00Z", hours: "2025-10-26T23:00:00Z", berlin_days: "2025-10-26T23:00:00Z" },
  { timestamp: 1_768_300_000, hours: "1970-01-21T11:00:00Z", berlin_days: "1970-01-20T23:00:00Z" },
  // Nothing begins before the epoch: the first hours of 1970 belong to the day that follows.
  { timestamp: 0, hours: "1970-01-01T00:00:00Z", berlin_days: "1970-01-01T23:00:00Z" },
];

const watchedRule = { rule_id: "watched", window_size: "1m", metric: "count", group_by: ["event_type"], active: true };

class Scene {
  readonly clockFile: string;
  readonly #t: TestContext;
  readonly #stage: Stage;
  readonly #pushed = new Set<string>();

  constructor(t: TestContext, stage: Stage) {
    this.#t = t;
    this.#stage = stage;
    this.clockFile = join(stage.dataDir, "clock-offset");
  }

  setClock(offsetMs: number): void {
    // In one step: the server must not find it empty.
    writeFileSync(`${this.clockFile}.new`, String(offsetMs));
    renameSync(`${this.clockFile}.new`, this.clockFile);
  }

  async watch(): Promise<void> {
    const socket = new WebSocket(`${this.#stage.server.queryUrl.replace("http", "ws")}/live-stats`);
    this.#t.after(() => socket.close());
    await once(socket, "open");
    socket.addEventListener("message", ({ data }) => {
      const { data: rows = [] } = JSON.parse(String(data)) as { data?: unknown[][] };
      for (const row of rows) this.#pushed.add(String(row[1]));
    });
    socket.send(JSON.stringify({ subscribe_rules: ["watched"], interval_ms: 100 }));
  }

  /** Each way of waiting that the server has, while events come. */
  async everythingGoesOn(mark: string): Promise<void> {
    const { ingestUrl, queryUrl } = this.#stage.server;
    await within("?wait=counted", async () => {
      const events = [this.#marking(mark)];
      const { status, text } = await this.post(events, "?wait=counted");
      assert.equal(status, 200, text);
      this.#stage.ledger.settled(events, "acknowledged");
    });
    await within("a live push", () => until(() => this.#pushed.has(mark)));
    await within("/ingest/status", async () => {
      const events = [this.#marking(mark)];
      const { text } = await this.post(events);
      this.#stage.ledger.settled(events, "acknowledged");
      const { token } = JSON.parse(text) as { token: string };
      await until(async () => {
        const url = `${ingestUrl}/ingest/status?token=${encodeURIComponent(token)}&wait=2s`;
        return ((await ask(url)) as { counted: boolean }).counted;
      });
    });
    await within("a fill", async () => {
      await putRule(queryUrl, { ...faultRules[0]!, rule_id: "filled", active: true });
      await rulesSettled(queryUrl, promptMs);
      await deleteRule(queryUrl, "filled");
    });
    await within("the lag", () =>
      until(async () => {
        const { lag_ms } = (await ask(`${queryUrl}/status`)) as { lag_ms: number };
        assert.ok(lag_ms >= 0 && lag_ms < minuteMs, `a lag of ${lag_ms} ms`);
        return lag_ms < 10_000;
      }),
    );
  }

  /** By the server's clock, as it stands now, and not by one that was wrong. */
  async finality(offsetMs: number): Promise<void> {
    const { queryUrl } = this.#stage.server;
    const isRight = async (): Promise<boolean> => {
      const now = Date.now() + offsetMs;
      const rows = await allStats(queryUrl, "count_by_type", now - 6 * hourMs, now + 6 * hourMs);
      assert.ok(rows.length > 0);
      return rows.every(
        ({ window_end, final }) => final === Date.parse(String(window_end)) <= now || isClose(window_end, now),
      );
    };
    await within("`final`", () => until(isRight));
  }

  /** A clock of 1970 refuses what seems to be of the future, with the reason, and takes it once it is right. */
  async longAgo(): Promise<void> {
    this.setClock(-Date.now() + 24 * hourMs);
    const events = [this.#marking("long_ago")];
    const refused = await this.post(events);
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.text, /timestamp/);
    this.setClock(0);
    assert.equal((await this.post(events, "?wait=counted")).status, 200);
    this.#stage.ledger.settled(events, "acknowledged");
  }

  async post(events: readonly object[], query = ""): Promise<{ readonly status: number; readonly text: string }> {
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(promptMs);
    const url = `${this.#stage.server.ingestUrl}/ingest${query}`;
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(events), signal });
    return { status: response.status, text: await response.text() };
  }

  #marking(type: string): ReturnType<Stage["make"]> {
    const event = { ...this.#stage.make(), event_type: type, timestamp: new Date().toISOString() };
    this.#stage.ledger.sent([event]);
    return event;
  }
}

/** Windows that end while it is being looked. */
const isClose = (windowEnd: unknown, now: number): boolean => Math.abs(Date.parse(String(windowEnd)) - now) < minuteMs;

async function within(what: string, happening: () => Promise<void>): Promise<void> {
  const from = performance.now();
  await happening().catch((cause: unknown) => {
    throw new Error(`${what} stood still`, { cause });
  });
  const took = performance.now() - from;
  assert.ok(took < 2 * promptMs, `${what} took ${Math.round(took)} ms`);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + promptMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, "it does not come");
    await pause(50);
  }
}
