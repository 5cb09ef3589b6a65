import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { postCounted, rulesSettled } from "../support/api.ts";
import { type Ended, weir as run, serverForAll } from "../support/command-line.ts";
import { program } from "../support/server-process.ts";

const { folder, server } = await serverForAll("commands");

/** Runs the program against the server to its end. */
const weir = (...args: readonly string[]): Promise<Ended> =>
  run(...args, ...(args.includes("--url") ? [] : ["--url", server.queryUrl]));

const file = async (name: string, value: unknown): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
};
const parsed = (out: string): Record<string, unknown>[] =>
  out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
const orders = { rule_id: "orders", window_size: "1m", metric: "count", group_by: ["event_type"] };
const users = { rule_id: "users", window_size: "1h", metric: "active_users" };
const event = (event_id: string) => ({
  event_id,
  user_id: "u",
  event_type: "order",
  timestamp: "2026-01-13T10:00:00Z",
});

test("rules are applied, listed, shown, tried and deleted", async () => {
  const [one, two] = [await file("one.json", orders), await file("two.json", [users])];
  const tried = await weir("rules", "try", one);
  assert.deepEqual([tried.code, parsed(tried.out)[0]?.["effect"]], [0, "create"]);
  assert.deepEqual(parsed((await weir("rules", "list")).out), []);
  const effects = async (...files: string[]) =>
    parsed((await weir("rules", "apply", ...files)).out).map(({ rule_id, effect, version }) => [
      rule_id,
      effect,
      version,
    ]);
  assert.deepEqual(await effects(one, two), [
    ["orders", "created", 1],
    ["users", "created", 1],
  ]);
  await file("one.json", { ...orders, window_size: "5m" });
  assert.deepEqual(await effects(one, two), [
    ["orders", "changed", 2],
    ["users", "unchanged", 1],
  ]);
  assert.equal(parsed((await weir("rules", "get", "orders")).out)[0]?.["window_size"], "5m");
  assert.deepEqual((await weir("rules", "delete", "users")).out, '{"rule_id":"users","effect":"deleted"}\n');
  assert.deepEqual(
    parsed((await weir("rules")).out).map(({ rule_id }) => rule_id),
    ["orders"],
  );
});

test("what the server refuses ends with 1 and every mistake, what is wrong before with 2", async () => {
  const wrong = await weir(
    "rules",
    "apply",
    await file("wrong.json", { ...orders, window_size: "7q", metric: "cuont" }),
  );
  assert.deepEqual([wrong.code, wrong.out], [1, ""]);
  assert.match(wrong.err, /rules\[0\]\.window_size .*\n +rules\[0\]\.metric: .*count/);
  const unknown = await weir("stats", "ordres");
  assert.deepEqual([unknown.code, unknown.err], [1, 'there is no rule "ordres"\n']);
  assert.equal((await weir("tail", "ordres")).code, 1);
  const nobody = await weir("rules", "--url", "http://127.0.0.1:1");
  assert.deepEqual([nobody.code, nobody.err], [2, "no server answers at http://127.0.0.1:1; is it running there?\n"]);
  assert.match((await weir("rules", "apply", join(folder, "none.json"))).err, /none\.json can't be read: ENOENT/);
  for (const [args, message, expected = 2] of [
    [["rules", "list", "--url", server.ingestUrl], /there is no route .*; is it the query port of the server\?/, 1],
    [["rejects", "--url", "http://127.0.0.1:1"], /no server answers at http:\/\/127\.0\.0\.1:1/],
    [["tail", "orders", "--url", "http://127.0.0.1:1"], /no server answers at http:\/\/127\.0\.0\.1:1/],
    [["rules", "aply"], /aply: is not an argument of Weir; did you mean apply\?/],
    [["rules", "get"], /rules: needs a rule/],
    [["stats"], /stats: needs the id of a rule/],
    [["tail", "a", "b"], /b: is not an argument/],
  ] as const) {
    const { code, err } = await weir(...args);
    assert.equal(code, expected, args.join(" "));
    assert.match(err, message);
  }
});

/** A server whose answers are given here; `asked` resolves with its first question. */
async function answering(answer: (response: ServerResponse) => void) {
  const asked = Promise.withResolvers<void>();
  const fake = createServer((_, response) => (asked.resolve(), answer(response)));
  await once(fake.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`;
  const close = (): void => (fake.closeAllConnections(), void fake.close());
  return { url, asked: asked.promise, close };
}

test("a reader that takes its time gets all there is, and one that goes away ends it", async () => {
  const data = Array.from({ length: 1000 }, (_, at) => ({ window_start: "2026-01-13T10:00:00Z", value: at }));
  const page = JSON.stringify({ data, complete: true, next_cursor: "next" });
  let left = 5;
  const { url, close } = await answering((response) =>
    response.end(--left > 0 ? page : JSON.stringify({ data, complete: true })),
  );
  const stats = spawn(process.execPath, [program, "stats", "r", "--url", url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Nothing is read before the program could have ended long ago.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  let out = "";
  for await (const piece of stats.stdout) out += String(piece);
  assert.equal(out.trim().split("\n").length, 5000);
  left = Infinity;
  const endless = spawn(process.execPath, [program, "stats", "r", "--url", url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(endless.stdout, "data");
  endless.stdout.destroy();
  assert.deepEqual(await once(endless, "exit"), [0, null]);
  close();
});

test("Ctrl-C ends a command that waits for an answer", async () => {
  const { url, asked, close } = await answering(() => {});
  const stats = spawn(process.execPath, [program, "stats", "r", "--url", url], { stdio: "ignore" });
  await asked;
  stats.kill("SIGINT");
  assert.deepEqual(await once(stats, "exit"), [null, "SIGINT"]);
  close();
});

test("rules may come slowly on the standard input", async () => {
  const apply = spawn(process.execPath, [program, "rules", "apply", "-", "--url", server.queryUrl]);
  let out = "";
  apply.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  apply.stdin.write("[");
  // Until it reads.
  await new Promise((resolve) => setTimeout(resolve, 800));
  apply.stdin.end(JSON.stringify({ ...orders, rule_id: "slow" }) + "]");
  assert.deepEqual(await once(apply, "close"), [0, null]);
  assert.equal(out, '{"rule_id":"slow","effect":"created","version":1}\n');
});

test("stats prints the windows, and tail goes on with them until it is ended", async () => {
  await rulesSettled(server.queryUrl);
  await postCounted(server.ingestUrl, [event("1")]);
  const from = ["--from", "2026-01-13T00:00:00Z"];
  assert.deepEqual(
    parsed((await weir("stats", "orders", ...from)).out).map(({ event_type, value }) => [event_type, value]),
    [["order", 1]],
  );
  const tail = spawn(process.execPath, [
    program,
    "tail",
    "orders",
    "--interval",
    "50ms",
    ...from,
    "--url",
    server.queryUrl,
  ]);
  const lines = createInterface({ input: tail.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> =>
    (JSON.parse(String((await lines.next()).value)) as { value: unknown }).value;
  assert.equal(await next(), 1);
  await postCounted(server.ingestUrl, [event("2")]);
  assert.equal(await next(), 2);
  tail.kill("SIGINT");
  assert.deepEqual(await once(tail, "exit"), [0, null]);
});
