import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const program = `
  import { getPriority } from "node:os";
  import { helperThreads, tuneCollector } from ${JSON.stringify(new URL("collector.ts", import.meta.url).href)};
  tuneCollector();
  console.log(JSON.stringify({ main: getPriority(), helpers: helperThreads().map((id) => getPriority(id)) }));
`;

const skip = process.platform === "linux" ? false : "threads have no names here";

test("the collector's helper threads go behind the main thread", { skip }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  const { main, helpers } = JSON.parse(stdout) as { main: number; helpers: number[] };
  assert.ok(helpers.length > 0, "there are some");
  assert.deepEqual(new Set(helpers), new Set([Math.min(main + 10, 19)]));
});
