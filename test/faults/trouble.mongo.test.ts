import assert from "node:assert/strict";
import { createServer as createWebServer } from "node:http";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { type MongoServer, startMongo, withOwnMongo } from "../support/mongo/mongo-server.ts";
import { listening } from "../support/socket.ts";
import { mustBegin, mustMeet } from "../support/start-outcome.ts";
import type { BadStart } from "../support/start-outcome.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

const right = "right-and-secret";
const wrong = "wrong-and-secret-too";
const secrets = [right, wrong];
/** Nothing of it is asked before the rules are open. */
const noEngine = ["--clickhouse-url", "http://127.0.0.1:1"];
const setUp = ["--setup-database=admin", "--setup-username=ann", `--setup-password=${right}`];

describe("trouble with MongoDB", withOwnMongo, () => {
  const silent = createServer((socket) => void socket.on("error", () => {}));
  const web = createWebServer((_, answer) => void answer.end("hello"));
  let mongo: MongoServer;
  let ports: { readonly silent: number; readonly web: number };
  before(async () => {
    mongo = await startMongo(["--test-enable-new-auth", ...setUp]);
    ports = { silent: await listening(silent), web: await listening(web) };
  });
  after(async () => {
    silent.close();
    web.close();
    await mongo?.close();
  });

  const at = (login: string, query = "authSource=admin", port = mongo.port): string =>
    `mongodb://${login}127.0.0.1:${port}/weir?${query}`;

  const badStarts = (): readonly (Omit<BadStart, "args"> & { readonly url: string })[] => [
    {
      name: "nobody listens",
      url: at(`ann:${right}@`, "", 1),
      stops: false,
      says: /the rules in MongoDB at mongodb:\/\/\*\*\*@127\.0\.0\.1:1\/weir\? can't be used: nobody listens there; start MongoDB, or mend --mongo-url; trying again/,
    },
    {
      name: "the name is not known",
      url: `mongodb://ann:${right}@no-such-host.invalid/weir`,
      stops: false,
      says: /at mongodb:\/\/\*\*\*@no-such-host\.invalid\/weir can't be used: the name (is not known; mend|can't be looked up)/,
    },
    {
      name: "there is no answer",
      url: at(`ann:${right}@`, "", ports.silent),
      stops: false,
      says: /it does not answer; is that the port of MongoDB\?/,
    },
    {
      name: "it is not MongoDB",
      url: at(`ann:${right}@`, "", ports.web),
      stops: false,
      says: /it ended the connection; is that the port of MongoDB/,
    },
    {
      name: "wrong password",
      url: at(`ann:${wrong}@`),
      stops: true,
      says: /does not let us in \(Authentication failed.*check user, password and authSource/,
    },
    { name: "unknown user", url: at(`bob:${right}@`), stops: true, says: /does not let us in .*check user, password/ },
    {
      name: "no log-in where one is wanted",
      url: at(""),
      stops: true,
      says: /does not let us in .*check user, password/,
    },
    {
      name: "a set of replicas is named, and there is none",
      url: at(`ann:${right}@`, "authSource=admin&replicaSet=rs0"),
      stops: true,
      says: /is no member of the set of replicas rs0; leave replicaSet out of the address/,
    },
    {
      name: "TLS where it is not spoken",
      url: at(`ann:${right}@`, "tls=true"),
      stops: false,
      says: /ended the connection before TLS was agreed on; if it stays so, take tls out of the address/,
    },
    {
      name: "no file of authorities",
      url: at(`ann:${right}@`, "tls=true&tlsCAFile=/no/such/file"),
      stops: true,
      says: /a file that the address names can't be read: ENOENT.*\/no\/such\/file/,
    },
    {
      name: "a sign in the password that has a meaning",
      url: `mongodb://ann:${right}?x:@127.0.0.1:${mongo.port}/weir`,
      stops: true,
      says: /address of MongoDB, mongodb:\/\/\*\*\*@127\.0\.0\.1:\d+\/weir, can't be used: write signs such as @/,
    },
    {
      name: "no address at all",
      url: `http://ann:${right}@127.0.0.1/`,
      stops: true,
      says: /WEIR_MONGO_URL = "\(hidden\)": expected an address such as mongodb:/,
    },
  ];

  test("at the start: each is named with its address and what to do, and waited for where waiting helps", async (t) => {
    for (const { url, ...start } of badStarts()) {
      const bad = { ...start, args: noEngine, env: { WEIR_MONGO_URL: url } };
      await t.test(start.name, () => mustMeet(bad, secrets));
    }
  });

  test("who waits for the server begins when it is there; who is let in has rules, also without a set of replicas, which is said", async () => {
    await Stage.run(faultSeed(), {}, async (stage) => {
      await mongo.kill();
      const env = { WEIR_MONGO_URL: at(`ann:${right}@`) };
      await mustBegin((heard) => stage.start({ env, heard }), /nobody listens there.*trying again/, mongo.start);
      await stage.putRules(faultRules.slice(0, 1));
      await stage.verify(faultRules.slice(0, 1));
      const said = stage.server.output();
      assert.match(
        said,
        /mongodb:\/\/\*\*\*@127\.0\.0\.1:\d+\/weir\S* is no set of replicas: the rules are as safe as/,
      );
      assert.ok(!said.includes(right));
    });
  });
});
