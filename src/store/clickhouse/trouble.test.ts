import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { after, describe, test } from "node:test";
import { createServer as createTlsServer } from "node:https";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates, whyNoOpenssl } from "../../../test/support/certificates.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { Connection } from "./connection.ts";
import { serverFacts } from "./facts.ts";
import { openStore } from "./opening.ts";

const password = "hunter2-not-to-be-shown";
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** Answers every question alike, as servers do that an embedded engine can't be. */
const says = (status: number, text: string): Promise<string> => answers(() => [status, text]);

async function answers(to: (asked: URL) => readonly [status: number, text: string]): Promise<string> {
  const server = createServer((request, answer) => {
    request.resume();
    const [status, text] = to(new URL(request.url ?? "", "http://any"));
    request.on("end", () => answer.writeHead(status).end(text));
  });
  return `http://127.0.0.1:${await portOf(server)}`;
}

async function portOf(server: Server): Promise<number> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const connectionTo = (url: string, ca?: Buffer): Connection =>
  new Connection({
    ...{ url: () => url, username: "someone", password, database: "metrics", requestTimeoutMs: 2000 },
    ...{ newId: () => "id", facts: serverFacts(), ...(ca === undefined ? {} : { ca }) },
  });

interface Met {
  readonly stops: boolean;
  readonly message: string;
}

/** What a start meets: the error that it stops with, or what it waits for. */
async function meets(url: string, ca?: Buffer): Promise<Met> {
  const connection = connectionTo(url, ca);
  const stop = new AbortController();
  const waits: string[] = [];
  const waiting = (trouble: string): void => {
    waits.push(trouble);
    stop.abort();
  };
  const opening = { version: "1", change: true, waiting };
  const error: unknown = await openStore(connection, opening, new SimulatedClock(), stop.signal).catch(
    (thrown: unknown) => thrown,
  );
  await connection.close();
  assert.ok(error instanceof WeirError);
  const message = waits[0] ?? error.message;
  assert.ok(!JSON.stringify([error.message, error.details, ...waits]).includes(password), message);
  return { stops: error.code === "store_unfit", message };
}

const exception = (code: number, name: string, text: string): string =>
  `Code: ${code}. DB::Exception: ${text}. (${name})\n`;

/** As ClickHouse 18.16 says it. */
const inOldWords = (code: number, text: string): string =>
  `Code: ${code}, e.displayText() = DB::Exception: ${text}, e.what() = DB::Exception\n`;

describe("a start stops, and says what to do, when", () => {
  test("the password is wrong, or the user is none", async () => {
    const text = "someone: Authentication failed: password is incorrect, or there is no user with such name";
    const url = await says(403, exception(516, "AUTHENTICATION_FAILED", text));
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, new RegExp(`ClickHouse at ${url} refuses the user someone: .*WEIR_CLICKHOUSE_PASSWORD`));
  });

  test("the user may not do what is needed", async () => {
    const text =
      "someone: Not enough privileges. To execute this query, it's necessary to have the grant CREATE DATABASE ON metrics.*";
    const url = await says(403, exception(497, "ACCESS_DENIED", text));
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, /user someone .* database metrics: CREATE DATABASE ON metrics.*docs\/operating\.md/);
  });

  test("the user's profile is read-only", async () => {
    const url = await says(
      500,
      exception(164, "READONLY", "Cannot modify 'session_timezone' setting in readonly mode"),
    );
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, /does not let the user someone .*readonly mode/);
  });

  test("the server is too old", async () => {
    const url = await says(200, '{"version":"24.8.14.39"}\n');
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, /is 24\.8\.14\.39, and Weir needs 26\.3 or newer: update the server/);
  });

  test("the server is so old that it knows neither our settings nor today's words", async () => {
    const url = await answers(({ searchParams }) =>
      searchParams.has("session_timezone")
        ? [404, inOldWords(115, "Unknown setting session_timezone")]
        : [200, '{"version":"18.16.1"}\n'],
    );
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, /is 18\.16\.1, and Weir needs 26\.3 or newer: update the server/);
  });

  test("an old server refuses the password", async () => {
    const url = await says(401, inOldWords(193, "Wrong password for user someone"));
    const { stops, message } = await meets(url);
    assert.equal(stops, true);
    assert.match(message, new RegExp(`ClickHouse at ${url} refuses the user someone: .*WEIR_CLICKHOUSE_PASSWORD`));
  });

  test("it is not ClickHouse", async () => {
    const { stops, message } = await meets(await says(200, "<html>hello</html>"));
    assert.equal(stops, true);
    assert.match(message, /is not ClickHouse: mend --clickhouse-url/);
  });

  test("its certificate is not to be trusted, or it speaks no TLS", unlessMissing(whyNoOpenssl), async () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-tls-"));
    const { key, cert } = makeCertificates(folder);
    const secrets = { key: readFileSync(key), cert: readFileSync(cert) };
    rmSync(folder, { recursive: true });
    const tls = createTlsServer(secrets, (request, answer) => {
      request.resume();
      request.on("end", () => answer.writeHead(200).end('{"version":"24.8.1.1"}\n'));
    });
    const port = await portOf(tls);
    const untrusted = await meets(`https://localhost:${port}`);
    assert.equal(untrusted.stops, true);
    assert.match(untrusted.message, /certificate of https:\/\/localhost:\d+ is not to be trusted: .*--clickhouse-ca/);
    assert.match((await meets(`https://localhost:${port}`, secrets.cert)).message, /is 24\.8\.1\.1/);
    assert.match(
      (await meets(`https://127.0.0.1:${port}`, secrets.cert)).message,
      /another name than that of the address/,
    );
    const plain = await meets((await says(200, "")).replace("http:", "https:"));
    assert.equal(plain.stops, true);
    assert.match(plain.message, /does not speak TLS as it should/);
  });
});

describe("a start waits, and says for what, when", () => {
  test("nobody listens", async () => {
    const server = createServer();
    const port = await portOf(server);
    server.close();
    const { stops, message } = await meets(`http://127.0.0.1:${port}`);
    assert.equal(stops, false);
    assert.equal(message, `ClickHouse at http://127.0.0.1:${port} can't be reached: nobody listens there`);
  });

  test("the name is not known yet", async () => {
    const { stops, message } = await meets("http://no-such-host.invalid:8123");
    assert.equal(stops, false);
    assert.match(message, /the name (is not known|can't be looked up now)/);
  });

  test("something before the server answers in its place", async () => {
    const { stops, message } = await meets(await says(502, "<html>Bad Gateway</html>"));
    assert.equal(stops, false);
    assert.match(message, /is not ClickHouse, or not yet: .*Bad Gateway/);
  });

  test("the server is busy or starting", async () => {
    const url = await says(503, exception(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries"));
    const { stops, message } = await meets(url);
    assert.equal(stops, false);
    assert.match(message, /can't answer now \(code 202: Too many/);
  });
});
