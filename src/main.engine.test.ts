import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { serverForAll, weir } from "../test/support/command-line.ts";
import { endedLate, program, startServer } from "../test/support/server-process.ts";
import type { ServerProcess } from "../test/support/server-process.ts";

const logger = new URL("observe/logger.ts", import.meta.url).href;
const { folder, server: running } = await serverForAll("main");

test("help and version are answers, not failures", async () => {
  assert.deepEqual(await weir("--version"), { code: 0, out: "0.1.0\n", err: "" });
  const help = await weir("serve", "--help");
  assert.equal(help.code, 0);
  assert.match(help.out, /--data-dir <folder>/);
});

test("config prints what is in force and starts nothing", async () => {
  const file = join(folder, "weir.json");
  await writeFile(file, '{"log-level": "debug"}');
  const { code, out } = await weir("config", "--config", file, "--ingest-port", "0");
  assert.equal(code, 0);
  assert.match(out, /^ingest-port +0 +--ingest-port$/m);
  assert.match(out, /^log-level +debug +.*weir\.json: log-level$/m);
});

test("a wrong configuration ends with 2 and all problems", async () => {
  const { code, out, err } = await weir("serve", "--ingest-port", "x", "--hots", "y");
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /2 problems/);
  assert.match(err, /--hots: .*did you mean --host\?/);
  assert.match(err, /--ingest-port = "x": expected a port/);
});

test("a second process on the same folder is refused in one line", async () => {
  const { code, out, err } = await weir(
    "--data-dir",
    join(folder, "data"),
    "--ingest-port",
    "0",
    "--query-port",
    "0",
    "--log-level",
    "error",
  );
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^Weir can't start: the data folder .* is in use by another process \(pid \d+\).*\n$/);
});

test("a taken port is named in one line", async () => {
  const { port } = new URL(running.ingestUrl);
  const { code, out, err } = await weir(
    "--data-dir",
    join(folder, "second"),
    "--ingest-port",
    port,
    "--query-port",
    "0",
    "--log-level",
    "error",
  );
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, new RegExp(`^Weir can't start: port ${port} .*--ingest-port\\n$`));
});

test("a folder that can't be made is named in one line", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const { code, err } = await weir("--data-dir", join(file, "inside"), "--log-level", "error");
  assert.equal(code, 2);
  assert.match(err, /^Weir can't start: the data folder .* can't be used: .*\n$/);
});

test("what can't be written where it was to go is no success", { skip: !existsSync("/dev/full") }, () => {
  for (const args of [["config"], ["--help"], ["rejects", "--url", running.queryUrl]]) {
    const { status, stderr } = spawnSync("sh", ["-c", '"$0" "$@" > /dev/full', process.execPath, program, ...args]);
    const told = "what is printed can't be written: ENOSPC: no space left on device, write\n";
    assert.deepEqual([status, String(stderr)], [2, told], args.join(" "));
  }
});

test("a log that can't be written keeps nothing from going on", { skip: !existsSync("/dev/full") }, async () => {
  const taken = ["--data-dir", join(folder, "data"), "--ingest-port", "0", "--query-port", "0"];
  for (const format of ["json", "pretty"]) {
    const logged = `import { createLogger } from ${JSON.stringify(logger)};
      const logger = createLogger({ level: "info", format: "${format}", terminal: false });
      for (let line = 0; line < 20_000; line++) { logger.info("a line of some length, for which there is no room"); if (line % 1000 === 0) await new Promise(setImmediate); }
      process.stdout.write("went on " + (process.memoryUsage().external < 64e6));`;
    const script = '"$0" --input-type=module -e "$1" 2> /dev/full';
    const { status, stdout } = spawnSync("sh", ["-c", script, process.execPath, logged]);
    assert.deepEqual([status, String(stdout)], [0, "went on true"], format);
  }
  assert.equal(spawnSync("sh", ["-c", '"$0" "$@" 2> /dev/full', process.execPath, program, ...taken]).status, 2);
});

test("a folder without data is not made to be verified, and not found to be in order", async () => {
  const missing = join(folder, "mistyped");
  for (const command of ["verify", "rebuild"]) {
    const { code, err } = await weir(command, "--data-dir", missing);
    assert.equal(code, 2);
    assert.match(err, /^Weir can't start: .*mistyped is not there; name the folder .*\n$/);
  }
  assert.equal(existsSync(missing), false);
  assert.match((await weir("verify", "--data-dir", folder)).err, / has no data of Weir; /);
});

/** A server that `act` ends. It ends in order and in time: where a machine stands still for seconds, one of three does. */
async function endedBy(name: string, act: (server: ServerProcess) => Promise<void>): Promise<ServerProcess> {
  for (let start = 1; ; start++) {
    const server = await startServer({ dataDir: join(folder, `${name}-${start}`) });
    await act(server);
    const exit = await server.exited;
    const isLate = await endedLate(server);
    await server.killGroup();
    if (isLate && start < 3) continue;
    assert.deepEqual(exit, { code: 0, signal: null }, server.output());
    return server;
  }
}

test("a signal and its echo drain and exit 0", async () => {
  await endedBy("third", async ({ pid }) => {
    process.kill(pid, "SIGINT");
    process.kill(pid, "SIGTERM");
  });
});

test("rejects asks a running server, and says so when there is none", async () => {
  const ports = ["--ingest-port", new URL(running.ingestUrl).port, "--query-port", new URL(running.queryUrl).port];
  assert.deepEqual(await weir("rejects", ...ports), { code: 0, out: "0 in quarantine\n", err: "" });
  assert.deepEqual(await weir("rejects", "replay", ...ports), {
    code: 0,
    out: "0 sent again, 0 not taken any more; 0 in quarantine now\n",
    err: "",
  });
  const { code, err } = await weir("rejects", "list", "--query-port", "1");
  assert.deepEqual([code, err], [2, "no server answers at http://127.0.0.1:1; is it running there?\n"]);
});

test("a signal for debuggers opens no port, and a hang-up ends the server in order", async () => {
  const server = await endedBy("signals", async ({ pid, queryUrl, output }) => {
    process.kill(pid, "SIGUSR1");
    // Once it has answered, the signal has been seen.
    while (!output().includes("SIGUSR1 means nothing here"))
      assert.equal((await fetch(`${queryUrl}/health`)).status, 200);
    process.kill(pid, "SIGHUP");
  });
  assert.doesNotMatch(server.output(), /Debugger listening/);
});
