import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { listening } from "../support/socket.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../support/stand-alone-engine.ts";
import { mustMeet } from "../support/start-outcome.ts";
import type { BadStart } from "../support/start-outcome.ts";

const wrong = "wrong-and-secret-too";

/** The engine in a process of its own answers as a server does; what it can't be is played by a server of two lines. */
describe("trouble with a ClickHouse server, at the start", () => {
  const old = createServer((request, answer) => {
    request.resume();
    request.on("end", () => answer.end('{"version":"24.8.14.39"}\n'));
  });
  const web = createServer((_, answer) => void answer.end("<html>hello</html>"));
  let engine: StandAloneEngine;
  let ports: { readonly old: number; readonly web: number };
  before(async () => {
    engine = await startStandAloneEngine();
    ports = { old: await listening(old), web: await listening(web) };
  });
  after(async () => {
    old.close();
    web.close();
    await engine?.close();
  });

  const at = (url: string, ...more: string[]): string[] => [
    "--clickhouse-url",
    url,
    "--clickhouse-user",
    "weir",
    ...more,
  ];

  const badStarts = (): readonly BadStart[] => [
    {
      name: "nobody listens",
      args: at("http://127.0.0.1:1"),
      stops: false,
      says: /ClickHouse at http:\/\/127\.0\.0\.1:1 can't be reached: nobody listens there.*trying again/,
    },
    {
      name: "the name is not known",
      args: at("http://no-such-host.invalid:8123"),
      stops: false,
      says: /ClickHouse at http:\/\/no-such-host\.invalid:8123 can't be reached: the name (is not known|can't be)/,
    },
    {
      name: "wrong password",
      args: at(engine.url),
      env: { WEIR_CLICKHOUSE_PASSWORD: wrong },
      stops: true,
      says: /ClickHouse at http:\S+ refuses the user weir: .*Set --clickhouse-user and WEIR_CLICKHOUSE_PASSWORD/,
    },
    {
      name: "unknown user",
      args: at(engine.url, "--clickhouse-user", "nobody"),
      env: { WEIR_CLICKHOUSE_PASSWORD: engine.password },
      stops: true,
      says: /refuses the user nobody: there is no such user, or the password is wrong/,
    },
    {
      name: "a database that lacks Weir's tables, and may not be made",
      args: at(engine.url, "--clickhouse-database", "elsewhere", "--migrate", "false"),
      env: { WEIR_CLICKHOUSE_PASSWORD: engine.password },
      stops: true,
      says: /the database elsewhere lacks the database, and --migrate=false forbids to change it: run `weir migrate`/,
    },
    {
      name: "an old version",
      args: at(`http://127.0.0.1:${ports.old}`),
      env: { WEIR_CLICKHOUSE_PASSWORD: wrong },
      stops: true,
      says: /ClickHouse at http:\/\/127\.0\.0\.1:\d+ is 24\.8\.14\.39, and Weir needs 26\.3 or newer: update the server/,
    },
    {
      name: "it is not ClickHouse",
      args: at(`http://127.0.0.1:${ports.web}`),
      stops: true,
      says: /what answers at http:\/\/127\.0\.0\.1:\d+ is not ClickHouse: mend --clickhouse-url/,
    },
    {
      name: "a password in the address",
      args: at(`http://weir:${wrong}@127.0.0.1:1`),
      stops: true,
      says: /clickhouse-url/,
    },
  ];

  test("each is named with its address and what to do, and waited for where waiting helps", async (t) => {
    const secrets = [wrong, engine.password];
    for (const start of badStarts()) await t.test(start.name, () => mustMeet(start, secrets));
  });
});
