import assert from "node:assert/strict";
import { test } from "node:test";
import { commandNames, parseCommandLine } from "./command-line.ts";
import { options } from "./options.ts";

test("help of serve names every option with its default, once", () => {
  const { print } = parseCommandLine(["serve", "--help"], "1.2.3");
  assert.ok(print);
  for (const option of Object.values(options))
    assert.equal(print.split(`\n  --${option.name} `).length, 2, option.name);
  assert.match(print, /\(default: 8000\)/);
  assert.match(print, /Exit codes/);
});

test("help says which options are given on the command line only", () => {
  const helpOf = (...argv: string[]): string => parseCommandLine([...argv, "--help"], "1").print ?? "";
  for (const name of commandNames) {
    const hasOwn = helpOf(name).includes(`\nOf ${name}:\n`);
    assert.equal(
      helpOf(name).includes(`"Of ${name}:" is given on the command line only. Every other option\nis also`),
      hasOwn,
    );
    assert.equal(helpOf(name).includes("\nEvery option\nis also an environment variable (--data-dir is "), !hasOwn);
  }
  assert.match(helpOf(), /An option that serve does not have is given on the command line only/);
});

test("help names the commands; version is the given one", () => {
  const { print } = parseCommandLine(["--help"], "1.2.3");
  for (const name of commandNames) assert.match(print ?? "", new RegExp(`^  ${name} `, "m"));
  assert.equal(parseCommandLine(["--version"], "1.2.3").print, "1.2.3\n");
});

test("flags are kept as texts, the last one wins", () => {
  const { command, flags, problems } = parseCommandLine(
    ["config", "--host=a", "--host", "b", "--ingest-port", "0"],
    "1",
  );
  assert.equal(command, "config");
  assert.deepEqual(
    [...flags],
    [
      ["host", "b"],
      ["ingest-port", "0"],
    ],
  );
  assert.deepEqual(problems, []);
});

test("of rejects the first word says what to do, and any other is a mistake", () => {
  const parsed = (...argv: string[]) => parseCommandLine(["rejects", ...argv], "1");
  assert.equal(parsed().action, "list");
  assert.deepEqual([parsed("replay", "--host", "h").action, parsed("replay").problems], ["replay", []]);
  assert.match(parsed("repaly").problems[0]?.message ?? "", /did you mean replay\?/);
  assert.equal(parsed("list", "replay").problems.length, 1);
  assert.match(parsed("--help").print ?? "", /rejects \[list\|replay\] \[options\]/);
});

test("an option before the command, or of another one, is told to be that", () => {
  const told = (...argv: string[]) =>
    parseCommandLine(argv, "1").problems.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(told("--data-dir", "d", "config"), [
    "config: a command comes first, before all options: weir config …",
  ]);
  assert.deepEqual(told("--speed", "9"), [
    "--speed: is an option of demo; a command comes first, as in weir demo --speed",
  ]);
  assert.deepEqual(told("stats", "r", "--speed=9"), ["--speed: is an option of demo, not of stats"]);
  assert.deepEqual(told("verify", "stats"), ["stats: is not an argument of Weir"]);
  assert.deepEqual(told("rejects", "list", "replay"), ["replay: is not an argument of Weir"]);
});

test("what begins with a dash is a word behind --", () => {
  const parsed = (...argv: string[]) => parseCommandLine(argv, "1");
  const { words, flags, problems } = parsed("rules", "delete", "a", "--host", "h", "--", "-r", "--host");
  assert.deepEqual([words, [...flags], problems], [["a", "-r", "--host"], [["host", "h"]], []]);
  assert.deepEqual(parsed("stats", "--", "-r").words, ["-r"]);
  for (const argv of [
    ["stats", "r", "--", "-r"],
    ["stats", "--", "r", "-r"],
    ["serve", "--", "-r"],
  ])
    assert.deepEqual(parsed(...argv).problems, [{ path: "-r", message: "is not an argument of Weir" }], argv.join(" "));
});
