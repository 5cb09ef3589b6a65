import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { exactDesk } from "../../test/support/exact-desk.ts";
import { liveDesk } from "../../test/support/live-desk.ts";

const watchers = 50;

/** Every message names its rule as JSON: how often one was written since this was asked last. */
function writings(t: TestContext): () => number {
  const { mock } = t.mock.method(JSON, "stringify");
  return () => {
    const count = mock.calls.filter(({ arguments: [value] }) => (value as unknown) === "clicks").length;
    mock.resetCalls();
    return count;
  };
}

test("a push is written once, however many get it", async (t) => {
  const { clock, connect, count } = liveDesk();
  count(0, "click", 1);
  const written = writings(t);
  const clients = Array.from({ length: watchers }, connect);
  const got = (): number => clients.reduce((sum, client) => sum + client.take().length, 0);
  for (const client of clients) client.say({ subscribe_rules: ["clicks"], interval_ms: 1000 });
  await clock.advance(500);
  assert.deepEqual([got(), written()], [watchers, 1], "the newest window");
  count(0, "click", 2);
  await clock.advance(2000);
  assert.deepEqual([got(), written()], [watchers, 1], "what changed");
});

test("in the mode delta every message is written once, however many get it", async (t) => {
  const { clock, client, take, count, progress } = exactDesk();
  progress.through = clock.now();
  count(0, "click", 1);
  const written = writings(t);
  const clients = Array.from({ length: watchers }, client);
  const got = (): string[] => clients.flatMap(take).map(({ type }) => type);
  const all = (type: string): string[] => clients.map(() => type);
  for (const one of clients) one.watch("clicks", { interval_ms: 1000 });
  await clock.advance(500);
  assert.deepEqual([got(), written()], [all("snapshot"), 1]);
  count(0, "click", 2);
  await clock.advance(1500);
  assert.deepEqual([got(), written()], [all("delta"), 1]);
  await clock.advance(5000);
  assert.deepEqual([got(), written()], [all("heartbeat"), 1]);
  progress.through += 600_000;
  await clock.advance(1500);
  assert.deepEqual([got(), written()], [all("final"), 1]);
});
