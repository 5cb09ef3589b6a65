import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allStats, ask, postCounted, putRule, repeated, ruleOnce, rulesSettled } from "../support/api.ts";
import { type Random, seeded } from "../support/random.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { faultSeed } from "./stage.ts";

const minuteMs = 60_000;
const now = Date.now();
const users = 60;
const rounds = Number(process.env["WEIR_FAULT_ROUNDS"] ?? 4);
const places = ["after-raw", "after-rollup", "before-commit", "mid-backfill", "before-switch", "nowhere", "nowhere"];

interface Sent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly timestamp: number;
}

const ruleOf = (rule_id: string, max_groups: number) => ({
  ...{ rule_id, window_size: "1m", metric: "count", group_by: ["user_id"], max_groups },
});

test("a bounded rule counts every event once, in its group or in the overflow, whenever everything dies", async (t) => {
  const seed = faultSeed();
  t.diagnostic(`WEIR_FAULT_SEED=${seed}`);
  const dataDir = await mkdtemp(join(tmpdir(), "weir-overflow-"));
  const play = new Play(seeded(seed), dataDir);
  try {
    await play.start({});
    await putRule(play.server.queryUrl, ruleOf("live", 20));
    for (let round = 0; round < rounds; round++) {
      // Made in the middle, so that it is filled while events come.
      const made = round === 2 ? ruleOf("filled", 10) : undefined;
      await play.round(made);
      await play.check("live", 20);
      if (round >= 2) await play.check("filled", 10);
    }
    await play.checkAnswers();
  } catch (error) {
    throw new Error(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})\n${play.output()}`, { cause: error });
  } finally {
    await play.end();
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** Events that are sent until they are counted, whatever happens to the server, and what its rules were seen to have. */
class Play {
  readonly #random: Random;
  readonly #dataDir: string;
  readonly #sent: Sent[] = [];
  /** By rule: the groups that had rows when it was last checked, and how many of the events had been sent. */
  readonly #seen = new Map<string, { readonly groups: ReadonlySet<string>; readonly sent: number }>();
  readonly #rows = new Map<string, ReadonlyMap<string, number>>();
  #server: ServerProcess | undefined;

  constructor(random: Random, dataDir: string) {
    this.#random = random;
    this.#dataDir = dataDir;
  }

  get server(): ServerProcess {
    assert.ok(this.#server);
    return this.#server;
  }

  output(): string {
    return this.#server?.output() ?? "";
  }

  async end(): Promise<void> {
    await this.#server?.killGroup();
  }

  async start(env: Record<string, string>): Promise<void> {
    const options = { dataDir: this.#dataDir, env };
    // It may die in recovery; then it is started once more, without.
    this.#server = await startServer(options).catch(() => startServer({ ...options, env: {} }));
  }

  /** Sends events while the server dies once; all of them are counted when it resolves. */
  async round(rule: object | undefined): Promise<void> {
    const random = this.#random;
    await this.server.killGroup();
    const place = random.pick(places);
    await this.start(place === "nowhere" ? {} : { WEIR_FAILPOINT: `${place}:${1 + random.int(4)}` });
    const dies = Promise.race([this.server.exited, pause(300 + random.int(1200))]).then(async () => {
      await this.server.killGroup();
      await this.start({});
    });
    if (rule) await this.#insist(() => putRule(this.server.queryUrl, rule), dies);
    for (let request = 0; request < 12; request++) {
      const events = Array.from({ length: 20 + random.int(60) }, () => this.#event());
      await this.#insist(() => postCounted(this.server.ingestUrl, events), dies);
    }
    await dies;
    await rulesSettled(this.server.queryUrl);
  }

  /** Users come one after the other, and some are there much more than others. */
  #event(): Sent {
    const random = this.#random;
    const known = Math.min(users, 5 + Math.floor(this.#sent.length / 40));
    const event = {
      event_id: `e${this.#sent.length}`,
      user_id: `u${Math.floor(known * (random.int(1000) / 1000) ** 2)}`,
      event_type: "click",
      timestamp: now - random.int(4) * minuteMs,
    };
    this.#sent.push(event);
    return event;
  }

  async #insist(work: () => Promise<void>, dies: Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (attempt === 5) throw error;
        await dies;
      }
    }
  }

  async check(ruleId: string, max: number): Promise<void> {
    const rows = await allStats(this.server.queryUrl, ruleId, now - 60 * minuteMs, now + minuteMs);
    const windows = totalsBy(rows, (row) => Date.parse(String(row["window_start"])));
    const expected = new Map<number, number>();
    for (const { timestamp } of this.#sent) {
      const start = timestamp - (timestamp % minuteMs);
      expected.set(start, (expected.get(start) ?? 0) + 1);
    }
    const inOrder = (totals: ReadonlyMap<number, number>) => [...totals].toSorted(([a], [b]) => a - b);
    assert.deepEqual(inOrder(windows), inOrder(expected), `every event of ${ruleId} is in one row`);
    const own = rows.filter((row) => row["overflow"] === undefined);
    for (const row of rows) if (row["overflow"] === true) assert.equal(row["user_id"], null);
    const groups = totalsBy(own, (row) => String(row["user_id"]));
    assert.ok(groups.size <= max, `${ruleId} has ${groups.size} groups`);
    this.#checkSince(ruleId, groups);
    this.#seen.set(ruleId, { groups: new Set(groups.keys()), sent: this.#sent.length });
    this.#rows.set(ruleId, groups);
  }

  /** What was in at the last check is in for good, with all that came since. */
  #checkSince(ruleId: string, groups: ReadonlyMap<string, number>): void {
    const seen = this.#seen.get(ruleId);
    for (const group of seen?.groups ?? []) {
      const came = this.#sent.slice(seen!.sent).filter(({ user_id }) => user_id === group).length;
      assert.equal(groups.get(group), (this.#rows.get(ruleId)?.get(group) ?? 0) + came, `${ruleId}: ${group}`);
    }
    for (const [group, value] of groups)
      assert.ok(value <= this.#sent.filter(({ user_id }) => user_id === group).length, `${ruleId}: ${group}`);
  }

  /** The rule, the status and the metrics say what has no group of its own. */
  async checkAnswers(): Promise<void> {
    const { queryUrl } = this.server;
    const get = async (path: string): Promise<Record<string, unknown>> =>
      (await ask(queryUrl + path)) as Record<string, unknown>;
    let overflowed = 0;
    for (const [rule, max] of [
      ["live", 20],
      ["filled", 10],
    ] as const) {
      const inGroups = [...this.#rows.get(rule)!.values()].reduce((sum, value) => sum + value, 0);
      const isCounted = (one: Record<string, unknown>): boolean => one["overflowed"] === this.#sent.length - inGroups;
      const answer = await ruleOnce(queryUrl, rule, isCounted);
      assert.deepEqual([answer["groups"], answer["overflowed"]], [max, this.#sent.length - inGroups]);
      overflowed += Number(answer["overflowed"]);
    }
    // As the counts of its rules it is null while the engine is slow to tell them, or of a moment before.
    await until(async () => assert.equal((await get("/status"))["overflowed"], overflowed));
    await postCounted(this.server.ingestUrl, [this.#event()]);
    const metrics = async (): Promise<string> => (await repeated(`${queryUrl}/metrics`)).text();
    await until(async () => assert.match(await metrics(), /^weir_rules_at_group_bound 2$/m));
    const { cost } = (await get("/aggregation-rule/live")) as { cost: { share: number; ms_per_100k_events: number } };
    assert.ok(cost.share > 0 && cost.share < 1 && cost.ms_per_100k_events > 0, JSON.stringify(cost));
    await until(async () => assert.match(this.server.output(), /as many groups as it may/));
  }
}

/** @throws what `holds` throws when that lasts. */
async function until(holds: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + 120_000; ; await pause(200)) {
    const failure: unknown = await holds().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (performance.now() > end) throw failure;
  }
}

function totalsBy<K>(
  rows: readonly Record<string, unknown>[],
  keyOf: (row: Record<string, unknown>) => K,
): Map<K, number> {
  const totals = new Map<K, number>();
  for (const row of rows) totals.set(keyOf(row), (totals.get(keyOf(row)) ?? 0) + Number(row["value"]));
  return totals;
}
