import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { events, eventsText } from "./events.ts";
import { timeMax } from "../lib/rfc3339.ts";

function filled(): MemoryStore {
  const store = new MemoryStore();
  for (let off = 0; off < 5; off++) {
    store.stored.push({
      src: 0,
      off,
      receivedAt: 1_768_676_400_050,
      timestamp: 1_768_676_400_000 + Math.floor(off / 2) * 1000,
      event_id: `e${off}`,
      event_type: off % 2 === 0 ? "click" : "view",
      user_id: "u",
      payload: '{"big":9223372036854775807,"n":null}',
    });
  }
  return store;
}

test("events are answered whole, with the payload's text untouched", async () => {
  const text = eventsText(await events({ limit: "1", event_type: "view" }, filled()));
  assert.match(text, /"payload":\{"big":9223372036854775807,"n":null\}/);
  const body = JSON.parse(text);
  assert.equal(body.count, 1);
  assert.equal(typeof body.next_cursor, "string");
  const { payload, ...rest } = body.data[0];
  assert.equal(payload.n, null);
  assert.deepEqual(rest, {
    event_id: "e3",
    user_id: "u",
    event_type: "view",
    timestamp: "2026-01-17T19:00:01Z",
    position: "0:3",
    received_at: "2026-01-17T19:00:00.050Z",
  });
});

test("pages go from the newest to the oldest", async () => {
  const store = filled();
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await events({ limit: "2", ...(cursor === undefined ? {} : { cursor }) }, store);
    ids.push(...page.events.map((event) => event.event_id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(ids, ["e4", "e3", "e2", "e1", "e0"]);
});

test("mistakes are named, a foreign cursor among them", async () => {
  const store = filled();
  const { nextCursor } = await events({ limit: "1" }, store);
  await assert.rejects(events({ cursor: nextCursor, user_id: "u" }, store), {
    code: "invalid_query",
    details: [
      { path: "cursor", message: "is not one that an answer to this query gave; ask without it to start again" },
    ],
  });
  await assert.rejects(
    events({ colour: "1", limit: "ten", end_time: "never" }, store),
    (error: { details: { path: string }[] }) => {
      assert.deepEqual(error.details.map(({ path }) => path).toSorted(), ["colour", "end_time", "limit"]);
      return true;
    },
  );
});

test("a cursor that was edited is refused", async () => {
  const { nextCursor = "" } = await events({ limit: "1" }, filled());
  const parts = JSON.parse(Buffer.from(nextCursor, "base64url").toString()) as unknown[];
  for (const edited of [parts.with(1, timeMax + 1), parts.with(2, 65_536), parts.with(3, -1)]) {
    const cursor = Buffer.from(JSON.stringify(edited)).toString("base64url");
    await assert.rejects(events({ limit: "1", cursor }, filled()), { code: "invalid_query" });
  }
});

test("a parameter without a name is refused, like any that is not known", async () => {
  await assert.rejects(events({ "": "5" }, filled()), { code: "invalid_query", message: /parameter without a name/ });
});
