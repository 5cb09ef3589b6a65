import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

/** What stands between a clean checkout and a program that runs: the Node it runs on, and what is done after an install. */

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A checkout with these files (an empty text for those that are only there), and with a script of ours. */
function checkout(script: string, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "weir-checkout-"));
  folders.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  mkdirSync(join(root, "scripts"));
  copyFileSync(pathOf(script), join(root, "scripts", script));
  const run = (...args: readonly string[]) => ran(join(root, "scripts", script), ...args);
  return { root, write, run };
}

function ran(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  return { status, stdout, stderr };
}

const quiet = { status: 0, stdout: "", stderr: "" };

const { isEnough } = (await import(pathOf("../bin/need-node.mjs"))) as { isEnough: (version: string) => boolean };

test("Weir takes Node 24.20 and newer, but not 25", () => {
  for (const version of ["24.20.0", "24.21.0", "26.0.0", "30.1.2", "26.0.0-nightly"])
    assert.ok(isEnough(version), version);
  for (const version of ["20.20.2", "22.0.0", "24.19.9", "24.2.0", "25.0.0", "25.30.0"])
    assert.ok(!isEnough(version), version);
});

test("on an older Node the program and every script end with one line that says what to do", () => {
  const old = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.1'}})";
  for (const args of [
    ["../bin/weir.mjs", "--version"],
    ["run.mjs", pathOf("steps.ts")],
  ]) {
    const { status, stdout, stderr } = ran(
      "--import",
      `data:text/javascript,${old}`,
      pathOf(args[0]!),
      ...args.slice(1),
    );
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^Weir needs Node 24\.20 or newer, and not 25; this is 20\.11\.1\. .*npm ci.*\n$/);
  }
});

const ofPlatform = `node-${process.platform}-${process.arch}/bin/node`;
const link = "node_modules/.bin/node";

test("the link to the Node of the platform's package is made where npm has left none, or one that leads nowhere", () => {
  const { root, run } = checkout("link-node.mjs", {
    [`node_modules/${ofPlatform}`]: "",
    "node_modules/.bin/other": "",
  });
  assert.deepEqual(run(), quiet);
  assert.equal(readlinkSync(join(root, link)), `../${ofPlatform}`);
  // As npm 10 leaves it when it discards the package of the other processor.
  rmSync(join(root, link));
  symlinkSync("../node-elsewhere/bin/node", join(root, link));
  assert.deepEqual(run(), quiet);
  assert.equal(readlinkSync(join(root, link)), `../${ofPlatform}`);
});

test("a link that leads somewhere stays; without a package for the platform there is none to make", () => {
  const linked = checkout("link-node.mjs", { [`node_modules/${ofPlatform}`]: "", [link]: "npm's own" });
  assert.deepEqual(linked.run(), quiet);
  assert.equal(readFileSync(join(linked.root, link), "utf8"), "npm's own");
  const bare = checkout("link-node.mjs", { "node_modules/.bin/other": "" });
  assert.deepEqual(bare.run(), quiet);
  assert.throws(() => readlinkSync(join(bare.root, link)), { code: "ENOENT" });
});

const sources = { "web/index.html": "1", "client/src/client.ts": "1", "package-lock.json": "{}" };
/** Instead of the bundler: says that it was asked, and writes a page. */
const bundler = {
  "node_modules/vite/package.json": '{ "type": "module", "exports": "./vite.js" }',
  "node_modules/vite/vite.js": `
    import { mkdirSync, writeFileSync } from "node:fs";
    export async function build({ build: { outDir } }) {
      mkdirSync(outDir, { recursive: true });
      writeFileSync(outDir + "/index.html", "made");
      console.log("bundled");
    }`,
};

test("a dashboard that can't be built does not fail the install, and says so; asked for alone, it fails", () => {
  const { run } = checkout("build-web.mjs", sources);
  const installed = run("--install");
  assert.equal(installed.status, 0);
  assert.match(
    installed.stderr,
    /^The dashboard could not be built: .*vite.*\n?[^]*Everything else works\. `npm run build`/,
  );
  const built = run();
  assert.equal(built.status, 1);
  assert.doesNotMatch(built.stderr, /Everything else works/);
});

test("the dashboard is built once of the same sources, tests not counted, and anew when they have changed", () => {
  const { root, write, run } = checkout("build-web.mjs", { ...sources, ...bundler });
  const bundled = { ...quiet, stdout: "bundled\n" };
  assert.deepEqual(run("--install"), bundled);
  assert.equal(readFileSync(join(root, "web/dist/index.html"), "utf8"), "made");
  assert.deepEqual(run("--install"), quiet);
  write("web/src/page.test.tsx", "1");
  assert.deepEqual(run(), quiet);
  for (const path of ["web/src/page.tsx", "client/src/client.ts", "package-lock.json"]) {
    write(path, "2");
    assert.deepEqual(run(), bundled, path);
  }
});

test("where the dashboard's sources are not there yet, as in an image that installs first, nothing is built", () => {
  assert.deepEqual(checkout("build-web.mjs", { "package-lock.json": "{}" }).run("--install"), quiet);
});
