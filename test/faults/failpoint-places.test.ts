import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { failpoints } from "../../src/lib/failpoint.ts";
import { elsewhere } from "./failpoint-places.ts";

const textOf = (path: string, from: string | URL = import.meta.url): string =>
  readFileSync(new URL(path, from), "utf8");

test("a failpoint that the general test leaves out is one at which the test that is named for it lets a process die", () => {
  for (const [name, file] of Object.entries(elsewhere))
    assert.match(textOf(file), new RegExp(`["\`]${name}["\`:]`), `${file} does not name ${name}`);
});

test("every failpoint is a place in the product", () => {
  const src = new URL("../../src/", import.meta.url);
  const product = globSync("**/*.ts", { cwd: fileURLToPath(src) }).map((path) => textOf(path, src));
  const passed = new Set(
    product.flatMap((text) => [...text.matchAll(/passFailpoint\("([\w-]+)"\)/g)].map((m) => m[1])),
  );
  assert.deepEqual(passed, new Set<string>(failpoints));
});
