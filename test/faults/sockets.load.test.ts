import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allStats, putRule } from "../support/api.ts";
import { watchMemory } from "../support/memory-peak.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { modes, sharedNow, type Tick } from "./sockets/order.ts";
import { assembledAs, Watchers } from "./sockets/watchers.ts";

/** `WEIR_SOCKETS=10000` is the long form. */
const sockets = Number(process.env["WEIR_SOCKETS"] ?? 2000);
const perSecond = 1000;
/** In each mode, so many that never read and so many that read slowly. */
const badOfAKind = Math.ceil(sockets / 400);
const bad = 2 * modes.length * badOfAKind;
const bigGroups = 1500;
const quietTicks = 6;
const closedMsMax = 20_000;
const memoryMiBMax = sockets > 2000 ? 300 : 128;
/** Below this a p99 is noise of the machine: what is pushed waits up to 250 ms for its turn. */
const noiseMs = 500;
/** R16 asks for so much; a short run among others says too little of it. */
const withoutMsMax = sockets > 2000 ? 500 : Infinity;
/** They come a thousand a second, and the last may have to wait half as long again; a short run may be on a machine that is busy. */
const openingSecondsMax = ((sockets > 2000 ? 1.5 : 5) * sockets) / perSecond;

const rule = { window_size: "1d", metric: "count", active: true };

test(`R15, R16: ${sockets} sockets that come at once, of which a hundredth does not read`, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-sockets-"));
  const server = await startServer({ dataDir, args: ["--log-level", "warn"] });
  t.after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });
  await putRule(server.queryUrl, { ...rule, rule_id: "small", group_by: ["event_type"] });
  await putRule(server.queryUrl, { ...rule, rule_id: "big", group_by: ["user_id"] });
  await new Crowd(t, server).play();
});

class Crowd {
  readonly #t: TestContext;
  readonly #server: ServerProcess;
  /** Of each mode. */
  readonly #good = modes.map(() => new Watchers());
  readonly #never = new Watchers();
  readonly #slow = new Watchers();
  #ticks = 0;

  constructor(t: TestContext, server: ServerProcess) {
    this.#t = t;
    this.#server = server;
    t.after(() => [...this.#good, this.#never, this.#slow].forEach((one) => one.close()));
  }

  async play(): Promise<void> {
    await this.#send(0);
    await this.#send(bigGroups);
    const memory = watchMemory(this.#server.pid);
    await this.#storm();
    const before = await this.#quiet();
    const { closedMs, ticks } = await this.#withBadOnes();
    const grown = memory.grownMiB();
    const after = await this.#quiet();
    // On both sides, so that a machine that gets busier meanwhile is not taken for them.
    const without = await this.#p99([...before, ...after]);
    const withThem = await this.#p99(ticks);
    assert.equal(await this.#clients(), sockets, "others were closed after the bad ones");
    await this.#assembledAsAnswered();
    const [never, slow] = [await this.#never.ends(), await this.#slow.ends()];
    this.#t.diagnostic(
      `p99 ${told(without)}, with ${bad} bad ones ${told(withThem)}; closed after ${Math.round(closedMs)} ms, ${grown} MiB more; they read ${JSON.stringify([...new Set([...never, ...slow])])}`,
    );
    for (const [index, mode] of modes.entries()) this.#judge(mode, without[index]!, withThem[index]!);
    assert.ok(closedMs <= closedMsMax, `bad ones were closed only after ${closedMs} ms`);
    assert.ok(grown <= memoryMiBMax, `${grown} MiB more`);
    for (const end of never) assert.match(end, /^4008 too slow/);
    // Who reads slowly has not come to the end of what it was sent when the connection goes.
    for (const end of slow) assert.match(end, /^$|^4008 too slow/);
    for (const those of [this.#never, this.#slow])
      for (const outcome of await those.assembled()) assert.match(outcome, /^\[/, "of what they read");
  }

  #judge(mode: string, without: number, withThem: number): void {
    assert.ok(without <= withoutMsMax, `${mode}: p99 ${without} ms without bad ones`);
    assert.ok(
      withThem <= Math.max(noiseMs, 2 * without),
      `${mode}: p99 ${withThem} ms with bad ones, ${without} ms without`,
    );
  }

  async #storm(): Promise<void> {
    const share = { url: this.#server.queryUrl, sockets: sockets / modes.length, perSecond: perSecond / modes.length };
    const opened = await Promise.all(
      this.#good.map((one, index) => one.open({ ...share, rules: ["small"], reading: "all", mode: modes[index]! })),
    );
    const seconds = Math.max(...opened.map(({ ms }) => ms)) / 1000;
    this.#t.diagnostic(`${sockets} sockets within ${seconds.toFixed(1)} s, ${Math.round(sockets / seconds)} a second`);
    for (const { failed } of opened) assert.deepEqual(failed.slice(0, 5), []);
    assert.equal(await this.#clients(), sockets);
    assert.ok(seconds <= openingSecondsMax, `${sockets} sockets were open only after ${seconds} s`);
  }

  /** Those that never read watch the same rule as all others; those that read slowly one with large pushes. */
  async #withBadOnes(): Promise<{ readonly closedMs: number; readonly ticks: readonly Tick[] }> {
    const order = { url: this.#server.queryUrl, sockets: badOfAKind, perSecond };
    for (const mode of modes) {
      await this.#never.open({ ...order, mode, rules: ["small"], reading: "never" });
      await this.#slow.open({ ...order, mode, rules: ["small", "big"], reading: "slowly" });
    }
    const openedAt = performance.now();
    assert.equal(await this.#clients(), sockets + bad);
    let closedMs = Infinity;
    const ticks = await this.#sendTicks(async () => {
      if ((await this.#clients()) > sockets) return performance.now() - openedAt > 2 * closedMsMax;
      closedMs = performance.now() - openedAt;
      return true;
    }, bigGroups);
    assert.equal(await this.#clients(), sockets, "others were closed, or bad ones were not");
    return { closedMs, ticks };
  }

  async #quiet(): Promise<readonly Tick[]> {
    const until = this.#ticks + quietTicks;
    return this.#sendTicks(() => this.#ticks >= until, bigGroups);
  }

  /** One a second until it is enough. */
  async #sendTicks(isEnough: () => boolean | Promise<boolean>, groups = 0): Promise<readonly Tick[]> {
    const ticks: Tick[] = [];
    while (!(await isEnough())) {
      const sentAt = sharedNow();
      await this.#send(groups);
      ticks.push({ value: this.#ticks, sentAt });
      await pause(Math.max(0, 1000 - (sharedNow() - sentAt)));
    }
    return ticks;
  }

  async #send(groups: number): Promise<void> {
    this.#ticks += 1;
    const timestamp = Date.now();
    const event = (user_id: string, event_type: string): object => ({
      ...{ event_id: `${this.#ticks}-${user_id}`, user_id, event_type, timestamp },
    });
    const others = Array.from({ length: groups }, (_, group) =>
      event(`a user with quite a long name ${group}`, "other"),
    );
    const response = await fetch(`${this.#server.ingestUrl}/ingest`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([event("ticker", "tick"), ...others]),
    });
    assert.equal(response.status, 200, await response.text());
  }

  /** Of all sockets that read, by mode; each must have got each tick. */
  async #p99(ticks: readonly Tick[]): Promise<readonly number[]> {
    const delays = await Promise.all(this.#good.map((one) => one.delays(ticks)));
    return delays.map(({ ms, missing }, index) => {
      assert.equal(missing, 0, `${modes[index]}: updates did not arrive`);
      assert.equal(ms.length, (ticks.length * sockets) / modes.length);
      return ms.toSorted((a, b) => a - b)[Math.ceil(0.99 * ms.length) - 1]!;
    });
  }

  /** All that read and have asked for the mode `delta` have exactly what is answered, all of which has come to them. */
  async #assembledAsAnswered(): Promise<void> {
    const answered = () => allStats(this.#server.queryUrl, "small", 0, Date.now() + 86_400_000);
    await assembledAs([this.#good[modes.indexOf("delta")]!], answered);
  }

  async #clients(): Promise<number> {
    const text = await (await fetch(`${this.#server.queryUrl}/metrics`)).text();
    return Number(/^weir_live_clients (\d+)/m.exec(text)?.[1]);
  }
}

const told = (p99: readonly number[]): string =>
  p99.map((ms, index) => `${ms.toFixed(0)} ms (${modes[index]})`).join(", ");
