import assert from "node:assert/strict";
import { test } from "node:test";
import { pack } from "../../event/packed.ts";
import { Groups } from "./groups.ts";
import type { AppendJob } from "./messages.ts";

const events = pack([{ event_id: "e", event_type: "t", user_id: "u", timestamp: 0, payload: "{}" }]);

test("the oldest time among the groups that are being made durable is known until they are", async () => {
  let [now, id] = [100, 0];
  const sent: AppendJob[] = [];
  const groups = new Groups({
    send: (job) => void sent.push(job),
    newId: () => ++id,
    now: () => now,
    soon: (run) => run(),
  });
  assert.equal(groups.oldestAt, Infinity);
  const appends = [groups.add(events)];
  now = 200;
  appends.push(groups.add(events));
  assert.equal(groups.oldestAt, 100);
  groups.done({ ...sent[0]!, first: 0 });
  assert.equal(groups.oldestAt, 200);
  groups.done({ ...sent[1]!, first: 1 });
  assert.equal(groups.oldestAt, Infinity);
  await Promise.all(appends);
});
