import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { dropRejects, rejects, rejectsText } from "./rejects.ts";

function filled(): MemoryStore {
  const store = new MemoryStore();
  const at = 1_768_676_400_000;
  for (let off = 0; off < 5; off++) {
    const texts = { event_id: `e${off}`, event_type: "t", user_id: "u", payload: '{"big":9223372036854775807}' };
    const times = { timestamp: at, receivedAt: at + 50, rejectedAt: at + 1000 + Math.floor(off / 2) };
    store.rejected.push({ ...texts, ...times, src: 0, off, reason: "the engine refused it: code 1" });
  }
  return store;
}

test("what is in quarantine is answered whole, with the reason", async () => {
  const text = rejectsText(await rejects({ limit: "1" }, filled()));
  assert.equal(
    text.replace(/"next_cursor":"[^"]+"/, '"next_cursor":"…"'),
    '{"count":1,"data":[{"event_id":"e4","user_id":"u","event_type":"t","timestamp":"2026-01-17T19:00:00Z","payload":{"big":9223372036854775807},' +
      '"position":"0:4","received_at":"2026-01-17T19:00:00.050Z","reason":"the engine refused it: code 1","rejected_at":"2026-01-17T19:00:01.002Z"}],"next_cursor":"…"}',
  );
});

test("a payload that is no JSON is answered as its text", async () => {
  const store = filled();
  store.rejected = [{ ...store.rejected[0]!, payload: '{"cut' }];
  const { data } = JSON.parse(rejectsText(await rejects({}, store)));
  assert.equal(data[0].payload, '{"cut');
});

test("pages go from what was set aside last to what was first, also while it is taken out", async () => {
  const store = filled();
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await rejects({ limit: "2", ...(cursor === undefined ? {} : { cursor }) }, store);
    ids.push(...page.rejects.map((event) => event.event_id));
    const position = page.rejects.map(({ src, off }) => `${src}:${off}`);
    assert.deepEqual(await dropRejects({ position }, store), { deleted: position.length });
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(ids, ["e4", "e3", "e2", "e1", "e0"]);
  assert.deepEqual(await dropRejects({ position: "0:4" }, store), { deleted: 0 });
});

test("mistakes are named", async () => {
  const bad = [{ limit: "10001" }, { cursor: "x" }, { start_time: "0" }];
  for (const raw of bad) await assert.rejects(rejects(raw, filled()), { code: "invalid_query" });
  const positions = Array.from({ length: 101 }, (_, off) => `0:${off}`);
  for (const raw of [{}, { position: "4" }, { position: ["0:1", "-1:4"] }, { position: positions }, { postion: "0:1" }])
    await assert.rejects(dropRejects(raw, filled()), { code: "invalid_query" });
});
