import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, test } from "node:test";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { src } from "../../event/position.ts";
import { Group } from "./group.ts";
import type { GroupClient, GroupParts } from "./group.ts";

/** Kafka's client as the test plays it: joins when it is told to, and says what it is told to say. */
class FakeClient extends EventEmitter {
  readonly topics = { track: () => {} };
  readonly joining = Promise.withResolvers<void>();
  assignments: { topic: string; partitions: number[] }[] | null = null;
  memberId: string | null = "member";
  generationId = 1;
  readonly metadata: () => Promise<unknown>;
  hasLeft = false;
  isClosed = false;

  constructor(options: object) {
    super();
    this.metadata = (options as { protocolsMetadata: () => Promise<unknown> }).protocolsMetadata;
  }

  joinGroup(): Promise<void> {
    return this.joining.promise;
  }

  async leaveGroup(): Promise<void> {
    this.hasLeft = true;
  }

  /** What was not left goes on behind its end. */
  async close(): Promise<void> {
    this.isClosed = this.hasLeft;
  }

  /** The group has divided its partitions. */
  async divides(...partitions: number[]): Promise<void> {
    this.assignments = [{ topic: "events", partitions }];
    this.emit("consumer:group:join");
    this.joining.resolve();
    await settled();
  }
}

function world(parts: Partial<GroupParts> = {}) {
  const clock = new SimulatedClock();
  const clients: FakeClient[] = [];
  const events: string[] = [];
  const letGo = { gate: Promise.resolve() };
  let tellings = 0;
  const group = new Group({
    ...{ address: { brokers: ["k:9092"] }, topic: "events", group: "weir", instance: "one", sessionMs: 3_000, clock },
    flush: async () => void events.push("flush"),
    told: () => void (tellings += 1),
    letGo: (gone) => void (gone.size > 0 && events.push(`forgets ${[...gone].join()}`)),
    report: (level, message) => level === "warn" && events.push(message),
    newClient: (options) => {
      clients.push(new FakeClient(options));
      return clients.at(-1)! as unknown as GroupClient;
    },
    ...parts,
  });
  const member = {
    assigned: async (ours: readonly number[]) => {
      events.push(`assigned ${ours.join(" ")}`);
      await letGo.gate;
    },
  };
  return { group, member, clock, clients, events, letGo, tellings: () => tellings };
}

describe("a member of a group", () => {
  test("has joined when it has been told what is its own", async () => {
    const { group, member, clients, events } = world();
    let isJoined = false;
    void group.join(member).then(() => (isJoined = true));
    await settled();
    assert.equal(isJoined, false);
    await clients[0]!.divides(2, 0);
    assert.ok(isJoined);
    assert.deepEqual(events, ["assigned 0 2"]);
    await group.leave();
    assert.ok(clients[0]!.isClosed);
  });

  test("who is to stop before it joins does not wait for a group", async () => {
    const { group, member } = world({ signal: AbortSignal.abort() });
    await assert.rejects(group.join(member), { code: "stopping" });
    await group.leave();
  });

  test("the group hears that a partition is free when it has been let go, and committed, and not before", async () => {
    const { group, member, clients, events, letGo } = world();
    void group.join(member);
    await settled();
    await clients[0]!.divides(0, 1);
    const gate = Promise.withResolvers<void>();
    letGo.gate = gate.promise;
    clients[0]!.assignments = [{ topic: "events", partitions: [0] }];
    let isTold = false;
    void clients[0]!.metadata().then(() => (isTold = true));
    await settled();
    assert.equal(isTold, false);
    const { standing } = group;
    assert.ok(typeof standing === "object" && standing.ours.has(1), "what it still writes it may still commit");
    gate.resolve();
    await settled();
    assert.ok(isTold);
    assert.deepEqual(events.slice(1), ["assigned 0", "flush", "forgets 1"]);
    await group.leave();
  });

  test("who is given another id as a member within a session has a namesake, which is told once", async () => {
    const { group, member, clock, clients, events } = world();
    void group.join(member);
    await settled();
    const [client] = clients;
    const told = async (id: string): Promise<number> => {
      client!.memberId = id;
      await client!.divides(0);
      return events.filter((event) => event.includes("under this one's name")).length;
    };
    assert.equal(await told("a"), 0);
    assert.equal(await told("a"), 0);
    await clock.advance(3_000);
    assert.equal(await told("b"), 0, "it may have hung for a session");
    await clock.advance(2_000);
    assert.equal(await told("c"), 1);
    assert.equal(await told("d"), 1);
    await group.leave();
  });

  test("what another has claimed is taken up again at the next sign of life, once", async () => {
    const { group, member, clients, events } = world();
    void group.join(member);
    await settled();
    await clients[0]!.divides(0);
    group.taken(src(0));
    for (let beat = 0; beat < 2; beat++) clients[0]!.emit("consumer:heartbeat:end");
    await settled();
    assert.deepEqual(events, ["assigned 0", "assigned 0"]);
    await group.leave();
  });

  test("a membership that breaks is begun again, and told each time that it breaks", async () => {
    const { group, member, clock, clients, events, tellings } = world();
    void group.join(member);
    await settled();
    for (let time = 0; time < 3; time++) {
      assert.equal(tellings(), time);
      await clients.at(-1)!.divides(0);
      assert.equal(tellings(), time + 1, "what could not be committed meanwhile is, under the new membership");
      clients.at(-1)!.emit("error", Object.assign(new Error("gone"), { code: "ECONNRESET" }));
      await settled();
      assert.equal(group.standing, "away");
      await clock.advance(2_000);
    }
    assert.equal(events.filter((event) => event.includes("it cut the connection")).length, 3);
    assert.equal(clients.length, 4);
    await group.leave();
  });
});
