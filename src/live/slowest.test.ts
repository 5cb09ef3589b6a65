import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk } from "../../test/support/live-desk.ts";

const backlogs = [100, 3000, 900, 5000, 2600];
const inAll = backlogs.reduce((sum, bytes) => sum + bytes, 0);

/** What became of clients that never read, of which so many bytes wait, none of them too many by its own bound. */
async function closedFor(backlogBytesAllMax: number): Promise<readonly (string | undefined)[]> {
  const { clock, connect, hub } = liveDesk({ backlogBytesAllMax, backlogBytesMax: 1e6, backlogBytesFatal: 1e6 });
  const clients = backlogs.map((backlog) => Object.assign(connect(), { backlog }));
  for (const client of clients) client.say({ subscribe_rules: ["clicks"] });
  await clock.advance(5000);
  const reasons = clients.map((client) => client.closedFor);
  assert.equal(hub.connectionCount, reasons.filter((reason) => reason === undefined).length);
  return reasons;
}

test("when twice as much as may wait in all sockets does, those go that read the least, until it is no more", async () => {
  const open = undefined;
  assert.deepEqual(await closedFor(inAll / 2), [open, open, open, open, open]);
  assert.deepEqual(await closedFor(inAll / 2 - 1), [open, open, open, "too_slow", open]);
  assert.deepEqual(await closedFor(2000), [open, "too_slow", open, "too_slow", open]);
  assert.deepEqual(await closedFor(400), [open, "too_slow", "too_slow", "too_slow", "too_slow"]);
});

test("who has read all is not looked at, who has not is until he has", async () => {
  const { clock, connect } = liveDesk();
  const client = connect();
  let looks = 0;
  client.bufferedBytes = () => ((looks += 1), client.backlog);
  const looksIn = async (ms: number): Promise<number> => {
    looks = 0;
    await clock.advance(ms);
    return looks;
  };
  client.backlog = 100;
  client.say({ subscribe_rules: ["clicks"] });
  await clock.advance(100);
  assert.equal(client.take().length, 1);
  assert.ok((await looksIn(1000)) >= 4, "what it was sent waits");
  client.backlog = 0;
  await clock.advance(250);
  assert.equal(await looksIn(10_000), 0);
});
