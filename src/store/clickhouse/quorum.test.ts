import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, test } from "node:test";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import { src } from "../../event/position.ts";
import type { Statement } from "../../rollup/statement.ts";
import { type Claim, idOfClaimed } from "./claim-statements.ts";
import { Claims, type ClaimsDeps } from "./claims.ts";
import { Connection } from "./connection.ts";
import { serverFacts } from "./facts.ts";
import { untilQuorumsClosed } from "./quorum.ts";

/*
 * No cluster can be run here: these are tests of what is asked, in which order, of one that is played. `select_sequential_consistency`
 * and quorums themselves were never met.
 */

const writer = "me";

/** A cluster whose tables have open quorums: of each look that of `rollups`, by its part. */
class PlayedCluster {
  readonly asked: string[] = [];
  readonly doubtful = new Map([[idOfClaimed("weir", { src: src(3), term: 1, writer }, "late"), src(3)]]);
  readonly #looks: (string | null)[];
  #claims: Claim[] = [{ src: src(3), term: 1, writer }];

  constructor(looks: (string | null)[]) {
    this.#looks = looks;
  }

  readonly connection: ClaimsDeps["connection"] = {
    inDoubt: () => this.doubtful,
    settled: (ids) => {
      this.asked.push("settled");
      for (const id of ids) this.doubtful.delete(id);
    },
    rows: async <Row>(statement: Statement) => this.#rows(statement) as Row[],
    write: async (_statement, _settings, claim) => {
      this.asked.push("claim");
      this.#claims.push(claim!);
    },
    kill: async () => {},
  };

  #rows({ sql, parameters }: Statement): readonly object[] {
    if (sql.includes("FROM claims")) {
      this.asked.push("holder");
      return [{ term: this.#claims.at(-1)!.term, writer }];
    }
    if (sql.includes("system.processes")) return [];
    if (sql.includes("system.replicas")) return ["raw_events", "rollups"].map((of) => ({ path: `/weir/${of}/quorum` }));
    assert.match(sql, /FROM system.zookeeper WHERE path = \{path:String\} AND name = 'status'/);
    if (parameters.path !== "/weir/rollups/quorum") return [];
    const part = this.#looks.length > 1 ? this.#looks.shift() : this.#looks[0];
    this.asked.push(`look: ${part}`);
    return part === null ? [] : [{ part }];
  }
}

describe("after a write in doubt, on a cluster", () => {
  const settle = async (cluster: PlayedCluster, name: string | null): Promise<void> => {
    const clock = new SimulatedClock();
    const where = { database: "weir", cluster: name };
    const claims = new Claims({ connection: cluster.connection, clock, writer, where, waiting: () => {} });
    let isOver = false;
    const done = claims.settle(src(3)).finally(() => (isOver = true));
    for (let times = 0; times < 50 && !isOver; times++) await clock.advance(50);
    await done;
  };

  test("what it left is waited for until it shows, before anything is read", async () => {
    const cluster = new PlayedCluster(["all_7_7_0", "all_7_7_0", null]);
    await settle(cluster, "main");
    assert.deepEqual(cluster.asked, [
      "holder",
      "claim",
      ...["look: all_7_7_0", "look: all_7_7_0", "look: null"],
      "holder",
      "settled",
    ]);
  });

  test("what others write meanwhile is not waited for", async () => {
    const cluster = new PlayedCluster(["all_7_7_0", "all_8_8_0"]);
    await settle(cluster, "main");
    assert.deepEqual(cluster.asked.slice(2), ["look: all_7_7_0", "look: all_8_8_0", "holder", "settled"]);
  });

  test("one server has no quorums, and is not asked for them", async () => {
    const cluster = new PlayedCluster(["all_7_7_0"]);
    await settle(cluster, null);
    assert.deepEqual(cluster.asked, ["holder", "claim", "holder", "settled"]);
  });

  test("a cluster that can't say is asked again by whoever settles", async () => {
    const away = { rows: () => Promise.reject(new Error("no answer")) };
    await assert.rejects(untilQuorumsClosed(away, new SimulatedClock()), /no answer/);
  });
});

describe("inserts of one table", () => {
  for (const [cluster, most] of [
    ["main", 1],
    [null, 3],
  ] as const) {
    test(
      cluster === null ? "go together on one server" : "go in turns on a cluster, also behind one that fails",
      async (t) => {
        const running = new Map<string, number>();
        const seen = new Map<string, number>();
        let answered = 0;
        const all = Promise.withResolvers<void>();
        const insert = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
          const table = (await text(request)).split(" ")[2]!;
          running.set(table, (running.get(table) ?? 0) + 1);
          seen.set(table, Math.max(seen.get(table) ?? 0, running.get(table)!));
          if (running.get(table) === 3) all.resolve();
          // Those that go together wait for each other.
          if (table === "rejects" || most === 1) await new Promise((resolve) => setTimeout(resolve, 30));
          else await all.promise;
          running.set(table, running.get(table)! - 1);
          const id = new URL(request.url!, "http://server").searchParams.get("query_id")!;
          answer.writeHead(answered++ === 0 ? 500 : 200, { "x-clickhouse-query-id": id }).end();
        };
        const server = createServer((request, answer) => void insert(request, answer));
        await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        let ids = 0;
        const connection = new Connection({
          ...{ url: () => url, username: "u", password: "p", database: "d", requestTimeoutMs: 5000 },
          ...{ newId: () => `q${ids++}`, facts: serverFacts(cluster) },
        });
        t.after(async () => {
          await connection.close();
          server.close();
        });
        const into = ["rollups", "rollups", "rollups", "rejects"];
        const done = await Promise.allSettled(
          into.map((table) => connection.write({ sql: `INSERT INTO ${table} SELECT 1`, parameters: {} })),
        );
        assert.equal(done.filter(({ status }) => status === "fulfilled").length, 3);
        assert.deepEqual(Object.fromEntries(seen), { rollups: most, rejects: 1 });
        await connection.close();
        server.close();
      },
    );
  }
});
