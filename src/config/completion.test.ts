import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { commandNames, parseCommandLine } from "./command-line.ts";
import { shells } from "./completion.ts";
import { options } from "./options.ts";

const script = (shell: string): string => {
  const { print, problems } = parseCommandLine(["completion", shell], "1");
  assert.deepEqual(problems, []);
  assert.ok(print);
  return print;
};

/** What a real bash would offer behind these words, of which the last is begun. */
function offered(...words: readonly string[]): string[] {
  const ask = `${script("bash")}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _weir; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["--norc", "-c", ask], {
    encoding: "utf8",
    cwd: new URL("../../docs/", import.meta.url),
  });
  return out.split("\n").filter((line) => line !== "");
}

test("bash offers commands, options, their values and files", () => {
  assert.deepEqual(offered("weir", "").toSorted(), [...commandNames].toSorted());
  assert.deepEqual(offered("weir", "re"), ["rejects", "rebuild"]);
  assert.deepEqual(
    offered("weir", "rules", "").filter((word) => !word.includes(".") && word !== "decisions"),
    ["list", "get", "apply", "delete", "try"],
  );
  assert.deepEqual(offered("weir", "rejects", "re"), ["replay"]);
  assert.deepEqual(offered("weir", "completion", ""), [...shells]);
  assert.deepEqual(offered("weir", "send", "command-l"), ["command-line.md"]);
  assert.deepEqual(offered("weir", "stats", "command-l"), []);
  assert.deepEqual(offered("weir", "send", "--wait", ""), ["durable", "counted"]);
  assert.deepEqual(offered("weir", "send", "--wait", "=", "c"), ["counted"]);
  assert.deepEqual(offered("weir", "send", "--wait", "="), ["durable", "counted"]);
  assert.deepEqual(offered("weir", "send", "--rejects", "comm"), ["command-line.md"]);
  assert.deepEqual(offered("weir", "serve", "--data-dir", "dec"), ["decisions"]);
  assert.deepEqual(offered("weir", "send", "--host", ""), []);
});

test("bash offers all options of each command, and those of serve where no command is named", () => {
  const names = Object.values(options).map(({ name }) => `--${name}`);
  for (const words of [["--"], ["serve", "--"], ["tail", "--"]]) {
    const found = offered("weir", ...words);
    for (const name of [...names, "--help", "--config"]) assert.ok(found.includes(name), `${words.join(" ")}: ${name}`);
  }
  assert.ok(offered("weir", "send", "--ma").includes("--map"));
  assert.ok(!offered("weir", "serve", "--ma").includes("--map"));
});

test("bash is told how to complete", () => {
  const out = execFileSync("bash", ["--norc", "-c", `${script("bash")}\ncomplete -p weir`], { encoding: "utf8" });
  assert.equal(out, "complete -F _weir weir\n");
});

for (const [shell, ...check] of [
  ["zsh", "-n"],
  ["fish", "--no-execute"],
] as const) {
  const isThere = spawnSync(shell, ["--version"]).error === undefined;
  const skip = isThere ? false : `${shell} is not installed`;
  test(`${shell} can read its script`, { skip }, () => {
    const { status, stderr } = spawnSync(shell, [...check, "/dev/stdin"], { input: script(shell), encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

test("the scripts for zsh and fish name every command and option", () => {
  for (const shell of ["zsh", "fish"]) {
    const text = script(shell);
    for (const name of commandNames) assert.ok(text.includes(name), `${shell}: ${name}`);
    for (const { name } of Object.values(options))
      assert.ok(text.includes(shell === "zsh" ? `--${name}=[` : `-l ${name} `), `${shell}: ${name}`);
  }
});

test("another shell is a mistake, and so is none", () => {
  const message = (...argv: readonly string[]): string =>
    parseCommandLine(["completion", ...argv], "1").problems[0]?.message ?? "";
  assert.match(message("fishh"), /did you mean fish\?/);
  assert.equal(message(), "needs a shell: bash, zsh, fish");
});
