import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Why no program can be run on a terminal here, for people; undefined when one can. Other systems' `script` takes other arguments. */
export function whyNoTerminal(): string | undefined {
  try {
    if (execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux")) return undefined;
  } catch {
    // Not there, or of another system.
  }
  return "`script` of util-linux is not installed (Debian: apt-get install bsdutils)";
}

/** A program that runs on a terminal of its own. */
export interface OnTerminal {
  /** As somebody at the keyboard would; \u0003 is Ctrl-C. */
  readonly type: (keys: string) => void;
  /** What the terminal was sent until now. */
  readonly seen: () => string;
  /** Closes the terminal, at which its programs end. */
  readonly close: () => void;
  /** Resolves with the program's exit code once all that it wrote has come. */
  readonly ended: Promise<number | null>;
}

/** Runs a command of words on a terminal of so many columns and lines; what it writes anywhere comes on that. */
export function onTerminal(words: readonly string[], { columns = 80, lines = 24 } = {}): OnTerminal {
  const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const sized = `stty rows ${lines} cols ${columns} && exec ${command}`;
  // What is typed comes from the standard input, which stays open: an end of it would be typed as one.
  const child = spawn("script", ["-qec", sized, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, SHELL: "/bin/sh" },
  });
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (seen += piece));
  const ended = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  const type = (keys: string): void => void child.stdin.write(keys);
  void ended.then(() => child.stdin.destroy());
  return { type, seen: () => seen, close: () => void child.kill(), ended };
}

/**
 * The lines that such a screen shows of what a terminal was sent, as far as this program's output goes: texts of one cell a
 * character, returns, new lines, colours, the cursor up, and clearing to the end of the line (`K`) and of the screen (`J`).
 */
export function screenOf(sent: string, columns: number): string[] {
  const lines = [""];
  let [line, column] = [0, 0];
  const put = (text: string): void => {
    if (text === "\r") return void (column = 0);
    if (text === "\n") return void (lines[++line] ??= "");
    if (column === columns) [line, column] = [line + 1, 0];
    const now = (lines[line] ?? "").padEnd(column);
    lines[line] = now.slice(0, column) + text + now.slice(++column);
  };
  // oxlint-disable-next-line no-control-regex
  const whole = sent.replace(/\u001B\[?\d*$/, "");
  // oxlint-disable-next-line no-control-regex
  for (const [piece, count, what] of whole.matchAll(/\u001B\[(\d*)([A-Za-z])|[^]/g)) {
    if (what === undefined) put(piece);
    else if (what === "A") line = Math.max(0, line - Number(count || 1));
    // Behind a full line the cursor stands on its last character.
    else if (what === "K" || what === "J") lines[line] = (lines[line] ?? "").slice(0, Math.min(column, columns - 1));
    else if (what !== "m") throw new Error(`what does ${JSON.stringify(piece)} do?`);
    if (what === "J") lines.splice(line + 1);
  }
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
