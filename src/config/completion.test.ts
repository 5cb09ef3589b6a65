import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { unlessMissing } from "../../test/support/needs.ts";
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
  assert.deepEqual(offered("weir", "rules", "").slice(0, 5), ["list", "get", "apply", "delete", "try"]);
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

/** Runs a command in a shell that has its script on its standard input, as that may be longer than a variable; `needs` is for the options of a test of it. */
const inShell = (shell: "zsh" | "fish", ...args: readonly string[]) => {
  const isThere = spawnSync(shell, ["--version"]).error === undefined;
  const needs = unlessMissing(isThere ? undefined : `${shell} is not installed: apt-get install ${shell}`);
  const run = (command: string): string => {
    const { status, stdout, stderr } = spawnSync(shell, [...args, command], {
      encoding: "utf8",
      env: { ...process.env, HOME: "/nowhere" },
      input: script(shell),
    });
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout;
  };
  return { needs, run };
};

const zsh = inShell("zsh", "-f", "-c");
test("zsh can read its script, and is told how to complete", zsh.needs, () => {
  const out = zsh.run('autoload -Uz compinit; compinit -u -D; eval "$(cat)"; print $_comps[weir]');
  assert.equal(out, "_weir\n");
});

const fish = inShell("fish", "--no-config", "-c");
test("fish offers commands, options and their values", fish.needs, () => {
  const asked = (line: string): string[] => {
    const out = fish.run(`cat | source; complete -C '${line}'`);
    return out.split("\n").flatMap((found) => (found === "" ? [] : [found.split("\t")[0]!]));
  };
  assert.deepEqual(asked("weir re"), ["rebuild", "rejects"]);
  assert.deepEqual(asked("weir send --wait "), ["counted", "durable"]);
  assert.deepEqual(asked("weir send --map"), ["--map"]);
  assert.deepEqual(asked("weir rejects re"), ["replay"]);
  assert.ok(asked("weir --data-").includes("--data-dir"));
});

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
