import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { deleteRule, readiness } from "../support/api.ts";
import type { MongoServer } from "../support/mongo/mongo-server.ts";
import { watchStalls } from "../support/stalls.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { countedBy } from "./away.ts";

/** One way to be away. */
export interface Absence {
  readonly kind: string;
  begin(): unknown;
  end(): unknown;
}

/** How the rules' place can be away for those on the other side of a line. */
export const absencesOf = (server: MongoServer, proxy: TcpProxy): readonly Absence[] => [
  { kind: "killed", begin: () => server.kill(), end: () => server.start() },
  { kind: "frozen", begin: () => server.freeze(), end: () => server.thaw() },
  { kind: "cut off", begin: () => proxy.set("refused"), end: () => proxy.set("through") },
  { kind: "behind a silent line", begin: () => proxy.set("silent"), end: () => proxy.set("through") },
];

/** A rule that is not there when all is over, if nobody makes it. */
export const later = { rule_id: "later", window_size: "1m", metric: "count", group_by: ["payload.country"] } as const;

/** What a change of a rule may take to be refused, on a machine that is busy. */
const refusedMsMax = 25_000;

interface Server {
  readonly queryUrl: string;
}

interface While {
  readonly servers: readonly Server[];
  readonly seconds: number;
  /** Whether events are counted meanwhile: by one who is alone with his rules. Others wait, as somebody may have changed one. */
  readonly counting: "goes on" | "waits";
}

/** While the rules' place is away changes are refused by each of these, all the time, and at least twice; afterwards all is as ever. */
export async function withoutRulesPlace(
  t: TestContext,
  { servers, seconds, counting }: While,
  { kind, begin, end }: Absence,
): Promise<void> {
  const counted = (): Promise<number> => countedBy(servers);
  await begin();
  const until = performance.now() + seconds * 1000;
  const stalls = watchStalls();
  let [asked, longestMs] = [0, 0];
  for (; asked < 2 || performance.now() < until; asked++) {
    const before = await counted();
    const tookMs = servers.map((server) => refusedMs(server, `${2 + asked}m`, kind));
    longestMs = Math.max(longestMs, ...(await Promise.all(tookMs)));
    if (counting === "goes on")
      await eventually(`events to be counted while it was ${kind}`, async () => (await counted()) > before);
  }
  stalls.stop();
  assert.ok(longestMs < refusedMsMax + stalls.worstMs(), `a refusal took ${longestMs} ms`);
  for (const { queryUrl } of servers)
    await eventually(`/ready to be 200 and to tell of the rules while they were ${kind}`, async () => {
      const { status, parts } = await readiness(queryUrl);
      return status === 200 && parts["rules"]?.ok === false;
    });
  const without = await counted();
  await end();
  for (const { queryUrl } of servers)
    await eventually("a change to be taken again", async () => (await postRule(queryUrl, later)).status < 300);
  await deleteRule(servers[0]!.queryUrl, later.rule_id);
  await eventually(`events to be counted after it was ${kind}`, async () => (await counted()) > without);
  t.diagnostic(`${kind}: ${asked} changes refused by each, the slowest after ${Math.round(longestMs)} ms`);
}

async function refusedMs({ queryUrl }: Server, window_size: string, kind: string): Promise<number> {
  for (const end = performance.now() + 60_000; ; await pause(100)) {
    const from = performance.now();
    const { status, text } = await postRule(queryUrl, { ...later, window_size });
    assert.equal(status, 503, `a change was answered with ${status} while it was ${kind}: ${text}`);
    // A broker of a busy machine may not answer for a moment, and is asked before.
    if (performance.now() < end && text.includes('"log_unavailable"')) continue;
    assert.match(text, /"registry_unavailable"/);
    return performance.now() - from;
  }
}

async function postRule(queryUrl: string, rule: object): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`${queryUrl}/aggregation-rule`, {
    method: "POST",
    headers,
    body: JSON.stringify(rule),
    signal,
  });
  return { status: response.status, text: await response.text() };
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain for ${what}`);
    await pause(50);
  }
}
