import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { postCounted, putRule } from "../support/api.ts";
import { typeScript } from "../support/built-client.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { allBlocks, commandsOf, root } from "./blocks.ts";
import { execute } from "./session.ts";

const run = promisify(execFile);
const blocks = allBlocks();
let folder: string;
let server: ServerProcess;
/** What the pages call them, and where they are. */
let addresses: Readonly<Record<string, string>>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-blocks-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const args = ["--engine-readonly-port", "0", "--log-format", "json"];
  server = await startServer({ dataDir: join(folder, "data"), args });
  const toolsUrl = /"readonlyUrl":"([^"]+)"/.exec(server.output())?.[1] ?? assert.fail("no read-only address");
  const of = { 8000: server.ingestUrl, 8001: server.queryUrl, 8123: toolsUrl };
  addresses = Object.fromEntries(Object.entries(of).map(([port, url]) => [`localhost:${port}`, new URL(url).host]));
  await putRule(server.queryUrl, { rule_id: "sales", window_size: "1h", metric: "sum", field: "payload.price" });
  const order = { user_id: "ann", event_type: "order", timestamp: "2026-01-13T10:00:00Z", payload: { price: 20 } };
  await postCounted(server.ingestUrl, [{ event_id: "a", ...order }]);
});
after(async () => {
  await server.killGroup();
  await rm(folder, { recursive: true, force: true });
});

/** What stands around the blocks of a page to make a program of them, and what that prints. */
const programs: Readonly<Record<string, { before: string; after: string; prints: RegExp }>> = {
  "client/README.md": {
    before: `const { log } = console;
      const live = Promise.withResolvers<void>();
      console.log = (...words) => (log(...words), words[0] === "live" && live.resolve());`,
    after: "await live.promise; unsubscribe(); weir.close();",
    prints: /Z click 1\n[^]*live \[/,
  },
  "docs/client.md": {
    before: `const drawn = Promise.withResolvers<number>();
      const draw = (status: string, rows: readonly object[]) => status === "live" && drawn.resolve(rows.length);`,
    after: "console.log(await drawn.promise); unsubscribe(); weir.close();",
    prints: /^accepted\n1\n$/,
  },
};

const textOf = (page: string, ...fences: readonly string[]): string =>
  blocks.flatMap(({ page: of, fence, text }) => (of === page && fences.includes(fence ?? "") ? [text] : [])).join("\n");

const fromSources = (text: string): string =>
  text.replaceAll(/"weir-client(\/react)?"/g, (_, react) =>
    JSON.stringify(`${root}client/src/${react ? "react" : "weir"}.ts`),
  );

const strict = ["--ignoreConfig", "--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--types", "node"];
const asOurs = [
  "--target",
  "es2024",
  "--lib",
  "esnext,dom",
  "--allowImportingTsExtensions",
  "--exactOptionalPropertyTypes",
  "--jsx",
  "react-jsx",
];

test("examples in TypeScript are of pages that are run", () => {
  const pages = blocks.filter(({ fence }) => fence === "ts" || fence === "tsx").map(({ page }) => page);
  assert.deepEqual([...new Set(pages)].toSorted(), Object.keys(programs).toSorted());
});

for (const [page, { before: first, after: last, prints }] of Object.entries(programs))
  test(`the examples of ${page} have the client's types, and do what they say`, async () => {
    const whole = fromSources([first, textOf(page, "ts"), textOf(page, "tsx")].join("\n"));
    const name = page.replaceAll(/\W/g, "-");
    await writeFile(join(folder, `${name}.tsx`), whole);
    await typeScript(join(folder, `${name}.tsx`), ...strict, ...asOurs);
    const real = Object.entries(addresses).reduce(
      (text, [told, actual]) => text.replaceAll(told, actual),
      textOf(page, "ts"),
    );
    await writeFile(join(folder, `${name}.ts`), fromSources([first, real, last].join("\n")));
    const { stdout } = await run(process.execPath, [join(folder, `${name}.ts`)], { timeout: 120_000 });
    assert.match(stdout, prints);
  });

test("statements are such as the engine reads", async () => {
  const statements = blocks.flatMap(({ fence, text }) => (fence === "sql" ? text.split(";\n").slice(0, -1) : []));
  assert.ok(statements.length > 5);
  for (const statement of statements) {
    const query = `SELECT formatQuery('${statement.replaceAll(/['\\]/g, "\\$&")}')`;
    const answer = await fetch(`http://${addresses["localhost:8123"]}`, { method: "POST", body: query });
    assert.equal(answer.status, 200, await answer.text());
  }
});

test("questions that stand alone are answered", async () => {
  const commands = blocks
    .filter(({ fence }) => fence === null)
    .flatMap(({ text }) => commandsOf(text))
    .filter((command) => command.startsWith("curl "));
  const printed: string[] = [];
  for (const command of commands) printed.push(await execute(`cd '${folder}'; ${command}`, addresses));
  const [sums, document, effects, ...more] = printed;
  assert.match(sums ?? "", /^order\t20$/m);
  assert.deepEqual([document, more], ["", []]);
  assert.match(effects ?? "", /"changed":\[\],"unchanged":\[[^\]]*"sales"/);
});
