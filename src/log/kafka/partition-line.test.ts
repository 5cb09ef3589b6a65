import assert from "node:assert/strict";
import { test } from "node:test";
import { Leadership, TopicReplaced } from "./partition-line.ts";

/** A topic of one partition, as a broker says it is. */
const topic = (id: string, leader: number, leaderEpoch: number) => ({
  id,
  partitions: [{ leader, leaderEpoch, replicas: [1, 2], isr: [1, 2], offlineReplicas: [] }],
});

test("a broker that has missed an election is not followed back to the leader before it", () => {
  const leadership = new Leadership(undefined);
  assert.equal(leadership.leaderIn(topic("a", 1, 4), 0), 1);
  assert.equal(leadership.leaderIn(topic("a", 2, 5), 0), 2);
  assert.throws(() => leadership.leaderIn(topic("a", 1, 4), 0), /does not know yet who leads/);
  assert.equal(leadership.leaderIn(topic("a", 1, 6), 0), 1);
});

test("another topic of the same name is never taken for the one that was read, or that was opened", () => {
  const read = new Leadership(undefined);
  read.leaderIn(topic("a", 1, 0), 0);
  for (const leadership of [read, new Leadership("a")])
    for (let look = 0; look < 2; look++) assert.throws(() => leadership.leaderIn(topic("b", 1, 0), 0), TopicReplaced);
});

test("a partition that nobody leads now, or that the broker does not know yet, has no leader", () => {
  const leadership = new Leadership("a");
  assert.equal(leadership.leaderIn(topic("a", -1, 3), 0), -1);
  assert.equal(new Leadership("a").leaderIn(topic("a", 1, 0), 7), -1);
});
