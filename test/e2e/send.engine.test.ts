import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { Weir } from "../../client/src/weir.ts";
import { repeated, totals } from "../support/api.ts";
import { serverForAll } from "../support/command-line.ts";
import { program } from "../support/server-process.ts";

const { folder, server } = await serverForAll("send-test");

interface Ran {
  readonly code: number | null;
  readonly err: string;
  readonly told: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

function weir(
  command: "send" | "load",
  args: readonly string[],
  input = "",
): { ran: Promise<Ran>; stop: () => void; stdin: NodeJS.WritableStream } {
  const queries = command === "load" ? ["--url", server.queryUrl] : [];
  const at = args.includes("--ingest-url") ? [] : ["--ingest-url", server.ingestUrl];
  const child = spawn(process.execPath, [program, command, ...args, ...at, ...queries], { stdio: "pipe" });
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (err += piece.toString()));
  child.stdin.on("error", () => {});
  if (input !== "hold") child.stdin.end(input);
  const ran = once(child, "close").then(([code]: (number | null)[]): Ran => {
    const lines = out.trim().split("\n");
    const last = lines.at(-1) ?? "";
    return { code: code ?? null, err, lines, told: last.startsWith("{") ? (JSON.parse(last) as Ran["told"]) : {} };
  });
  return { ran, stop: () => child.kill("SIGINT"), stdin: child.stdin };
}

const send = (args: readonly string[], input?: string): Promise<Ran> => weir("send", args, input).ran;

const file = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

/** How often events of this type are stored. */
async function stored(event_type: string): Promise<number> {
  const rows = await Array.fromAsync(
    new Weir({ queryUrl: server.queryUrl }).events.rows({ event_type, from: 0, limit: 10_000 }),
  );
  assert.equal(new Set(rows.map(({ event_id }) => event_id)).size, rows.length);
  return rows.length;
}

const head = "id,when,customer,price";
const csvRow = (id: number): string => `${id},2026-01-13 10:00:${String(id % 60).padStart(2, "0")},u${id % 5},${id}.50`;
const mapping = (type: string): string[] => [
  "--map",
  "timestamp=when:utc,user_id=customer",
  "--map",
  `event_type=const:${type},payload.*=rest`,
];

test("a file that is sent again, also by another name's --source, counts nothing twice", async () => {
  const csv = [head, ...Array.from({ length: 3000 }, (_, id) => csvRow(id))].join("\n");
  const [plain, packed] = [await file("orders.csv", csv), await file("orders.csv.gz", gzipSync(csv))];
  const first = await send([plain, ...mapping("csv"), "--wait", "counted"]);
  assert.deepEqual([first.code, first.told["accepted"], first.err], [0, 3000, ""]);
  assert.equal((await send([plain, ...mapping("csv"), "--wait", "counted"])).told["accepted"], 3000);
  const again = await send([
    packed,
    ...mapping("csv"),
    "--source",
    "orders.csv",
    "--from-row",
    "2001",
    "--wait",
    "counted",
  ]);
  assert.deepEqual([again.code, again.told["rows"]], [0, 1000]);
  assert.equal(await stored("csv"), 3000);
});

test("NDJSON of the standard input, and JSON", async () => {
  const event = (id: number, type: string) => ({
    event_id: `${type}-${id}`,
    user_id: "u",
    event_type: type,
    timestamp: "2026-01-13T10:00:00Z",
  });
  const many = (type: string) => Array.from({ length: 500 }, (_, id) => event(id, type));
  const lines = many("lines")
    .map((one) => JSON.stringify(one))
    .join("\n");
  assert.equal((await send(["-", "--wait", "counted"], lines)).told["accepted"], 500);
  const list = await file("list.json", JSON.stringify(many("list"), undefined, 1));
  assert.equal((await send([list, "--wait", "counted"])).told["accepted"], 500);
  assert.deepEqual([await stored("lines"), await stored("list")], [500, 500]);
});

test("a Parquet file, such as /stats writes", async () => {
  const seconds = Array.from({ length: 60 }, (_, id) => csvRow(id));
  await send([await file("seconds.csv", [head, ...seconds].join("\n")), ...mapping("second"), "--wait", "counted"]);
  const { rules } = new Weir({ queryUrl: server.queryUrl });
  const filter = 'event_type == "second"';
  const prices = { metric: "sum", field: "payload.price", group_by: ["user_id"] as string[] } as const;
  await rules.put({ rule_id: "s", window_size: "1s", filter, ...prices });
  while ((await rules.get("s")).state === "filling");
  const answer = await repeated(`${server.queryUrl}/stats?rule_id=s&start_time=2026-01-13T10:00:00Z&format=parquet`);
  await rules.delete("s");
  const path = await file("windows.parquet", Buffer.from(await answer.arrayBuffer()));
  const parquet = ["--map", "timestamp=window_start,event_type=const:window,payload.price=value"];
  const sent = await send([path, ...parquet, "--wait", "counted"]);
  assert.deepEqual([sent.code, sent.told["accepted"]], [0, 60], sent.err);
  assert.deepEqual((await payloads("window")).toSorted(), (await payloads("second")).toSorted());
  // One that ends before the file does.
  const temporary = await mkdtemp(join(folder, "temporary-"));
  await promisify(execFile)(process.execPath, [program, "send", path, ...parquet, "--dry-run"], {
    env: { ...process.env, TMPDIR: temporary },
  });
  const deadline = performance.now() + 60_000;
  while ((await readdir(temporary)).length > 0 && performance.now() < deadline) await pause(50);
  assert.deepEqual(await readdir(temporary), [], "nothing of the engine is left");
});

/** Time, user and price of all events of a type. */
async function payloads(event_type: string): Promise<string[]> {
  const rows = new Weir({ queryUrl: server.queryUrl }).events.rows({ event_type, from: 0, limit: 10_000 });
  return (await Array.fromAsync(rows)).map(({ timestamp, user_id, payload }) =>
    JSON.stringify([timestamp, user_id, (payload as { price: number }).price]),
  );
}

test("a row that is refused is told with its place; the others are sent where that is wanted", async () => {
  const path = await file(
    "bad.csv",
    [head, csvRow(1), "2,2026-02-30 10:00:00,u,1", "3,soon,u,1", csvRow(4), "5,x"].join("\n"),
  );
  const strict = await send([path, ...mapping("strict")]);
  assert.deepEqual([strict.code, strict.told["complete"]], [1, false]);
  assert.match(strict.err, /bad\.csv:4: column "when" \(timestamp\): must be a time without a zone, .*, not "soon"/);
  const rejects = join(folder, "rejects.ndjson");
  const lenient = await send([
    path,
    ...mapping("lenient"),
    "--source",
    "lenient",
    "--rejects",
    rejects,
    "--wait",
    "counted",
  ]);
  assert.deepEqual(
    [lenient.code, lenient.told["accepted"], lenient.told["refused"], lenient.told["complete"]],
    [1, 2, 3, true],
  );
  assert.match(lenient.err, /bad\.csv:3: column "when" \(timestamp\): must be a time as in RFC 3339/);
  assert.match(lenient.err, /bad\.csv:6: has 2 cells, and the first line 4/);
  const kept = (await readFile(rejects, "utf8"))
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { line: number }).line);
  assert.deepEqual(
    kept.toSorted((a, b) => a - b),
    [3, 4, 6],
  );
  assert.equal(await stored("lenient"), 2);
  const dry = await send([path, ...mapping("dry"), "--dry-run"]);
  assert.deepEqual([dry.code, dry.lines.length, await stored("dry")], [1, 3, 0]);
});

test("what is wrong before anything is sent ends with 2", async () => {
  const path = await file("few.csv", `${head}\n${csvRow(1)}`);
  for (const [args, message] of [
    [[], /send: needs files/],
    [[join(folder, "none.csv")], /none\.csv can't be read: ENOENT/],
    [[path, "--map", "user=customer"], /--map: "user=customer" begins with no field/],
    [[path, "--map", "user_id=custmer"], /few\.csv has no column "custmer"; it has id, when, customer, price/],
    [
      [path, ...mapping("x"), "--ingest-url", "http://127.0.0.1:1", "--retry-for", "0"],
      /no server answers at http:\/\/127\.0\.0\.1:1/,
    ],
  ] as const) {
    const { code, err } = await send(args);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
});

test("one that is stopped says where to go on, and going on makes it whole", async () => {
  const row = (id: number): string => `{"user_id":"u","event_type":"stopped","timestamp":${1768298400000 + id}}\n`;
  const before = (await totals(server.queryUrl)).events;
  const running = weir("send", ["-", "--source", "s", "--wait", "counted"], "hold");
  const rows = Array.from({ length: 1500 }, (_, id) => row(id));
  running.stdin.write(rows.slice(0, 1000).join(""));
  // Counted, not stored alone: a command that is stopped waits for three seconds until they are.
  const deadline = performance.now() + 120_000;
  while ((await totals(server.queryUrl)).events < before + 1000 && performance.now() < deadline) await pause(20);
  running.stop();
  const stopped = await running.ran;
  assert.deepEqual([stopped.code, stopped.told["complete"], stopped.told["next_row"]], [130, false, 1001], stopped.err);
  assert.match(stopped.err, /with --from-row 1001 it begins/);
  const path = join(folder, "all.ndjson");
  const out = createWriteStream(path);
  out.end(rows.join(""));
  await once(out, "finish");
  assert.equal((await send([path, "--source", "s", "--from-row", "901", "--wait", "counted"])).code, 0);
  assert.equal(await stored("stopped"), 1500);
});

test("load is counted as it counts itself", async () => {
  const { code, told, err } = await weir("load", [
    "--rate",
    "0",
    "--events",
    "5000",
    "--repeat",
    "20",
    "--late",
    "10",
    "--check",
  ]).ran;
  assert.deepEqual(
    [code, told["events"], told["accepted"], (told["check"] as { differences: number }).differences],
    [0, 5000, 5000, 0],
    err,
  );
  assert.ok(Number(told["repeated"]) > 500 && Number(told["p99_ms"]) >= Number(told["p50_ms"]));
  assert.deepEqual(await new Weir({ queryUrl: server.queryUrl }).rules.list(), [], "its rules are gone");
});
