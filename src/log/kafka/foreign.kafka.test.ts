import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, Producer } from "@platformatic/kafka";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { produceForeign } from "../../../test/support/kafka/foreign-producer.ts";
import type { Codec } from "../../../test/support/kafka/foreign-producer.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { pack, unpack } from "../../event/packed.ts";
import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log, LogRecord } from "../log.ts";
import { openKafkaLog } from "./kafka.ts";
import type { KafkaLogOptions } from "./kafka.ts";
import type { Gap } from "./partition-reader.ts";
import { slotsPerRecord } from "./slots.ts";

/** The log goes on trying, however long; what is broken is to fail, and not to hang. */
const deadline = (): AbortSignal => AbortSignal.timeout(120_000);
const plenty = () => ({ bytesMax: 1 << 26, eventsMax: 1_000_000, waitMs: 0, signal: deadline() });
const at = Date.UTC(2026, 0, 13, 10);
const foreign = (event_id: string): string =>
  JSON.stringify({ event_id, event_type: "click", user_id: 7, timestamp: at });
const events = (...ids: string[]): PackedEvents =>
  pack(ids.map((event_id) => ({ event_id, event_type: "t", user_id: "u", timestamp: at, payload: "{}" })));

describe("a topic that others use too", unlessMissing(whyNoKafka), () => {
  let cluster: Cluster;
  let admin: Admin;
  let topics = 0;
  before(async () => {
    cluster = await startCluster(1);
    admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
  });
  after(async () => {
    await admin?.close();
    await cluster?.stop();
  });

  const options = (more: Partial<KafkaLogOptions> = {}): KafkaLogOptions => ({
    address: { brokers: cluster.addresses },
    topic: { name: `events-${topics++}`, partitions: 1, replication: null },
    group: "weir",
    compression: "none",
    futureMaxMs: 86_400_000,
    clock: systemClock,
    report: () => {},
    signal: deadline(),
    ...more,
  });

  async function withLog(
    more: Partial<KafkaLogOptions>,
    play: (log: Log, topic: string) => Promise<void>,
  ): Promise<void> {
    const own = options(more);
    const log = await openKafkaLog(own);
    try {
      await play(log, own.topic.name);
    } finally {
      await log.close();
    }
  }

  /** A client whose settings the test chooses. */
  async function withProducer(
    transactionalId: string | undefined,
    play: (producer: Producer) => Promise<void>,
  ): Promise<void> {
    const id = transactionalId === undefined ? {} : { transactionalId };
    const producer = new Producer({
      clientId: "test",
      bootstrapBrokers: [...cluster.addresses],
      idempotent: true,
      ...id,
    });
    try {
      await play(producer);
    } finally {
      await producer.close();
    }
  }

  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"] satisfies readonly Codec[]) {
    test(`plain JSON records of Java's client, ${codec}, are events`, async () => {
      await withLog({}, async (log, topic) => {
        const ids = Array.from({ length: 500 }, (_, i) => `${codec}-${i}`);
        await log.append(events("ours-1", "ours-2"));
        await produceForeign(
          cluster.addresses[0]!,
          topic,
          ids.map((id) => ({ value: foreign(id) })),
          codec,
        );
        await log.append(events("ours-3"));
        const records = await readAll(log, 0);
        assert.deepEqual(idsOf(records), ["ours-1", "ours-2", ...ids, "ours-3"]);
        const [event] = unpack(records[1]!.events);
        assert.deepEqual(event, { event_id: ids[0], event_type: "click", user_id: "7", timestamp: at, payload: "{}" });
        assert.deepEqual(
          records.map(({ from }) => from % slotsPerRecord),
          records.map(() => 0),
        );
      });
    });
  }

  test("a record that is no event says so at its position, and those behind it are read", async () => {
    await withLog({}, async (log, topic) => {
      const values = [foreign("a"), "no JSON", '{"event_id":"x"}', foreign("b"), "NULL"];
      await produceForeign(
        cluster.addresses[0]!,
        topic,
        values.map((value) => ({ value })),
      );
      const records = await readAll(log, 0);
      assert.deepEqual(idsOf(records), ["a", "b"]);
      const bad = records.filter(({ unreadable }) => unreadable !== undefined);
      assert.deepEqual(
        bad.map(({ from, unreadable }) => [from / slotsPerRecord, unreadable!.text]),
        [
          [1, "no JSON"],
          [2, '{"event_id":"x"}'],
          [4, ""],
        ],
      );
      assert.match(bad[1]!.unreadable!.reason, /event_type is required/);
    });
  });

  test("a record keyed by its event_id meets ours of that id in one partition", async () => {
    await withLog({ topic: { name: `keyed-${topics++}`, partitions: 5, replication: null } }, async (log, topic) => {
      const ids = Array.from({ length: 40 }, (_, i) => `key-${i}`);
      await log.append(events(...ids));
      await produceForeign(
        cluster.addresses[0]!,
        topic,
        ids.map((id) => ({ key: id, value: foreign(id) })),
      );
      for (const source of log.sources()) {
        const found = idsOf(await readAll(log, source));
        assert.ok(found.length > 0);
        for (const id of found) assert.equal(found.filter((each) => each === id).length, 2, id);
      }
    });
  });

  test("what a transaction has written is read when it is committed, and not when it is aborted; nobody waits for its marks", async () => {
    await withLog({}, async (log, topic) => {
      await withProducer("tx", async (producer) => {
        for (const [name, isKept] of [
          ["aborted", false],
          ["committed", true],
          ["aborted-too", false],
        ] as const) {
          const transaction = await producer.beginTransaction();
          await transaction.send({ messages: [{ topic, partition: 0, value: Buffer.from(foreign(name)) }] });
          await (isKept ? transaction.commit() : transaction.abort());
        }
      });
      // Kafka answers before the mark of an end is written.
      const records = async (): Promise<number> => (await log.ends()).get(src(0))! / slotsPerRecord;
      for (const until = deadline(); (await records()) < 6;) await pause(20, undefined, { signal: until });
      assert.equal(await records(), 6);
      // Each with its own read, as a reader that follows gets them; and all at once, as one that comes later does.
      assert.deepEqual(idsOf(await readAll(log, 0)), ["committed"]);
      assert.deepEqual(idsOf(await readAll(log, 0, { ...plenty(), eventsMax: 1 })), ["committed"]);
    });
  });

  test("while a transaction is open nothing says that what lies behind it was given", async () => {
    await withLog({}, async (log, topic) => {
      await withProducer("tx-open", async (producer) => {
        const beginning = { src: src(0), off: offset(0) };
        const transaction = await producer.beginTransaction();
        await transaction.send({ messages: [{ topic, partition: 0, value: Buffer.from(foreign("theirs")) }] });
        const before = Date.now();
        await log.append(events("ours"));
        for (let i = 0; i < 20; i++) {
          assert.deepEqual(await log.read(beginning, { ...plenty(), waitMs: 100 }), []);
          assert.ok(log.givenThrough!(src(0)) <= before, "ours is acknowledged, and was not given");
        }
        await transaction.commit();
        assert.deepEqual(idsOf(await readAll(log, 0)), ["theirs", "ours"]);
      });
    });
  });

  test("the group's offset is what Kafka's tools see as the lag", async () => {
    await withLog({ group: "watched" }, async (log, topic) => {
      await log.append(events("a", "b"));
      const records = await readAll(log, 0);
      await log.commit(src(0), offset(records.at(-1)!.to + 1));
      await untilCommitted(log, records.at(-1)!.to + 1);
      const [group] = await admin.listConsumerGroupOffsets({
        groups: [{ groupId: "watched", topics: [{ name: topic, partitionIndexes: [0] }] }],
      });
      assert.equal(group!.topics[0]!.partitions[0]!.committedOffset, 1n);
      // In the middle of a record: not all of it is handled.
      await log.append(events("c", "d"));
      await log.commit(src(0), offset(slotsPerRecord + 1));
      await log.append(events("e"));
      assert.equal(await log.committed(src(0)), slotsPerRecord);
    });
  });

  test("records that were deleted unread are an error that names them, never a silent jump", async () => {
    await withLog({}, async (log, topic) => {
      for (let i = 0; i < 10; i++) await log.append(events(`e${i}`));
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }] });
      for (const record of [0, 3])
        await assert.rejects(log.read({ src: src(0), off: offset(record * slotsPerRecord) }, plenty()), {
          code: "log_gap",
          message: new RegExp(`records ${record} to 3 of partition 0 of ${topic} were deleted .* --kafka-gap skip`),
        });
      const behind = await log.read({ src: src(0), off: offset(4 * slotsPerRecord) }, plenty());
      assert.deepEqual(idsOf(behind), ["e4", "e5", "e6", "e7", "e8", "e9"]);
      await assert.rejects(log.read({ src: src(0), off: offset(11 * slotsPerRecord) }, plenty()), {
        code: "log_gap",
        message: /ends at record 10, but was read up to 11/,
      });
    });
  });

  test("a gap that may be skipped is told, and is a record without events", async () => {
    const gaps: Gap[] = [];
    const skipsGap = (gap: Gap): boolean => gaps.push(gap) > 0;
    await withLog({ skipsGap }, async (log, topic) => {
      for (let i = 0; i < 5; i++) await log.append(events(`e${i}`));
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] });
      const records = await readAll(log, 0);
      assert.deepEqual(idsOf(records), ["e3", "e4"]);
      assert.deepEqual(gaps, [{ partition: 0, from: 0, to: 3 }]);
      assert.deepEqual([records[0]!.from, records[0]!.to], [0, 3 * slotsPerRecord - 1]);
    });
  });

  test("an append larger than a record becomes several, and one range", async () => {
    await withLog({}, async (log) => {
      const large = pack(
        Array.from({ length: 40_000 }, (_, i) => ({
          ...{
            event_id: `e${i}`,
            event_type: "t",
            user_id: "u",
            timestamp: at,
            payload: `{"text":"${"x".repeat(60)}"}`,
          },
        })),
      );
      const ranges = await log.append(large);
      assert.equal(ranges.length, 1);
      const records = await readAll(log, 0);
      assert.ok(records.length > 2);
      assert.deepEqual([records[0]!.from, records.at(-1)!.to + 1], [ranges[0]!.from, (await log.ends()).get(src(0))]);
      assert.equal(idsOf(records).length, 40_000);
      assert.equal(idsOf(records).at(-1), "e39999");
      assert.equal(ranges[0]!.to, records.at(-1)!.from + records.at(-1)!.events.count - 1);
    });
  });

  test("a topic that is not as wished is refused with what to change, and one that is there is taken as it is", async () => {
    const name = `given-${topics++}`;
    await admin.createTopics({ topics: [name], partitions: 3, replicas: 1 });
    const open = (wish: Partial<KafkaLogOptions["topic"]>): Promise<Log> =>
      openKafkaLog(options({ topic: { name, partitions: null, replication: null, ...wish } }));
    const log = await open({});
    assert.equal(log.sources().length, 3);
    await log.close();
    await assert.rejects(open({ partitions: 4 }), {
      code: "invalid_config",
      message:
        /Kafka at 127.0.0.1:\d+: the topic given-\d+ can't be used: it has 3 partitions, and --kafka-partitions says 4; say 3/,
    });
    await assert.rejects(open({ replication: 2 }), { code: "invalid_config", message: /1 replicas, .* says 2/ });
    const compacted = `compacted-${topics++}`;
    await admin.createTopics({
      topics: [compacted],
      partitions: 1,
      replicas: 1,
      configs: [{ name: "cleanup.policy", value: "compact" }],
    });
    await assert.rejects(open({ name: compacted }), { code: "invalid_config", message: /cleanup.policy is compact/ });
  });

  test("what waiting can help is waited for, and said once", async () => {
    const stop = new AbortController();
    const said: string[] = [];
    const report = (_: string, message: string): void => {
      said.push(message);
      stop.abort();
    };
    const wish = { name: "never", partitions: 1, replication: 3 };
    await assert.rejects(openKafkaLog(options({ topic: wish, report, signal: stop.signal })), { code: "stopping" });
    assert.match(
      said[0]!,
      /can't be made with 3 replicas, as there are 1 brokers; start the others, or lower --kafka-repl/,
    );
    const again = new AbortController();
    const away = { brokers: ["127.0.0.1:1"] };
    const told = (_: string, message: string): void => {
      said.push(message);
      again.abort();
    };
    await assert.rejects(openKafkaLog(options({ address: away, report: told, signal: again.signal })), {
      code: "stopping",
    });
    assert.match(said[1]!, /^Kafka at 127.0.0.1:1: nothing listens there; .*--kafka-brokers; trying again$/);
  });
});

async function readAll(log: Log, partition: number, bounds = plenty()): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = [];
  const end = (await log.ends()).get(src(partition))!;
  const patience = performance.now() + 120_000;
  for (let from = offset(0); from < end;) {
    const records = await log.read({ src: src(partition), off: from }, { ...bounds, waitMs: 5_000 });
    assert.ok(records.length > 0 || performance.now() < patience, `nothing at ${from} of ${end}`);
    found.push(...records);
    from = records.length > 0 ? offset(records.at(-1)!.to + 1) : from;
  }
  return found;
}

const idsOf = (records: readonly LogRecord[]): string[] =>
  records.flatMap((record) => unpack(record.events).map(({ event_id }) => event_id));

async function untilCommitted(log: Log, next: number): Promise<void> {
  for (const end = performance.now() + 120_000; (await log.committed(src(0))) !== next; await pause(10))
    assert.ok(performance.now() < end, `the commit of ${next} does not become durable`);
}
