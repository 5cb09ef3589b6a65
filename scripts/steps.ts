import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";

/** One thing to check: a program that ends with 0 when all is well. */
export interface Step {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A run of node's test runner: its closing counts are summed up. */
  readonly counts: boolean;
  /** It is ended after so long. */
  readonly secondsMax: number;
}

export interface Result {
  readonly step: Step;
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly output: string;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const stepSecondsMax = 3000;
/** A test that takes so long hangs. Its step is ended later, so that it still says which test it was. */
const testMsMax = 2_700_000;
/** Of a long form. */
const longSecondsMax = 4 * 3600;

const tool = (name: string, program: string, ...args: string[]): Step => ({
  name,
  program: `${root}node_modules/.bin/${program}`,
  args,
  counts: false,
  secondsMax: stepSecondsMax,
});

/** Fast and without services, the longest first: what `npm run check` does. */
export const checks = (): readonly Step[] => [
  ...inParts(
    4,
    tests(
      "pure tests",
      "**/*.test.ts",
      ["--test-isolation=none"],
      (file) => !/\.(engine|fault|kafka|load|long|mongo|server|simulation)\.test\.ts$/.test(file),
    ),
  ),
  tool("types", "tsc", "--noEmit"),
  tool("types of pages", "tsc", "--noEmit", "-p", "web"),
  tool("lint", "oxlint", "--type-aware", "--deny-warnings"),
  tool("format", "oxfmt", "--check"),
  tool("unused", "knip", "--no-progress"),
];

/** On a ClickHouse server whose address the environment has. */
export const serverLane = (): Step => tests("server tests", "**/*.server.test.ts", []);

/** The tests of all files with such names, by one run of the test runner. */
export function tests(
  name: string,
  pattern: string,
  options: readonly string[],
  keep: (file: string) => boolean = () => true,
): Step {
  const args = [
    "--test",
    "--test-reporter=spec",
    `--test-timeout=${testMsMax}`,
    ...options,
    ...filesLike(pattern).filter(keep),
  ];
  return { name, program: process.execPath, args, counts: true, secondsMax: stepSecondsMax };
}

/** The tests of one file, in a process of their own. */
export const testsOf = (file: string): Step => ({
  name: file,
  program: process.execPath,
  args: ["--test-reporter=spec", `--test-timeout=${testMsMax}`, file],
  counts: true,
  secondsMax: stepSecondsMax,
});

export const filesLike = (pattern: string): readonly string[] =>
  ["src", "client", "deploy", "web", "test", "scripts", "bench"]
    .flatMap((folder) => globSync(`${folder}/${pattern}`, { cwd: root }))
    .sort();

/** The same in several processes, the files in turn: one process has one thread. */
const inParts = (count: number, step: Step): readonly Step[] =>
  Array.from({ length: count }, (_, part) => ({
    ...step,
    name: `${step.name} ${part + 1}`,
    args: step.args.filter((arg, index) => !arg.endsWith(".test.ts") || index % count === part),
  }));

/** The tests of one file, or those of it whose names begin so; for as long as it takes. */
export function fileSteps(name: string, file: string, only = ""): readonly Step[] {
  const args = ["--test", "--test-reporter=spec", ...(only === "" ? [] : [`--test-name-pattern=^${only}`]), file];
  return [{ name, program: process.execPath, args, counts: true, secondsMax: longSecondsMax }];
}

/** Runs the steps, at most `atOnce` at a time, and tells each as it ends; what failed is told in full. */
export async function runSteps(steps: readonly Step[], atOnce: number): Promise<readonly Result[]> {
  const waiting = [...steps];
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const result = await runStep(step);
      results.push(result);
      tell(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

export const sumOf = (results: readonly Result[], count: (result: Result) => number): number =>
  results.reduce((total, result) => total + count(result), 0);

/** The closing line, alone on its line: every test and every other step. Before it what has failed, and how long this program ran. */
export function close(results: readonly Result[]): number {
  const bad = results.filter((result) => !result.ok).map((result) => result.step.name);
  if (bad.length > 0) console.log(`failed: ${bad.join(", ")}`);
  console.log(`${Math.round(process.uptime())} s in all`);
  console.log(`${sumOf(results, ({ passed }) => passed)} passed, ${sumOf(results, ({ failed }) => failed)} failed`);
  return bad.length === 0 ? 0 : 1;
}

/** @param niceness how much it and all that it starts gives way to others, 0 to 19. */
export function runStep(step: Step, niceness = 0): Promise<Result> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(step.program, step.args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: step.secondsMax * 1000,
      killSignal: "SIGKILL",
    });
    if (niceness > 0 && child.pid !== undefined) setPriority(child.pid, niceness);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on("close", (code, signal) => {
      const output = Buffer.concat(chunks).toString() + (signal ? `ended by ${signal}\n` : "");
      resolve({ ...resultOf(step, code === 0, output), seconds: (performance.now() - started) / 1000 });
    });
  });
}

function resultOf(step: Step, ended: boolean, output: string): Omit<Result, "seconds"> {
  if (!step.counts) return { step, ok: ended, passed: ended ? 1 : 0, failed: ended ? 0 : 1, skipped: 0, output };
  const count = (what: string): number => Number(new RegExp(`^ℹ ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  const [passed, failed, skipped] = [
    count("pass"),
    count("fail") + count("cancelled"),
    count("skipped") + count("todo"),
  ];
  // A runner that ran nothing or broke off has not passed, whatever its exit code.
  const ok = ended && failed === 0 && passed > 0;
  return { step, ok, passed, failed: ok ? 0 : Math.max(1, failed), skipped, output };
}

/** What tests have said of themselves, without the runner's counts. */
export const toldIn = (output: string): string =>
  [...output.matchAll(/^ *ℹ (?!tests|suites|pass|fail|cancelled|skipped|todo|duration_ms).*\n/gm)].join("");

interface Line extends Pick<Result, "ok" | "skipped"> {
  readonly name: string;
  readonly took: string;
  /** Undefined: it is no run of tests. */
  readonly passed: number | undefined;
}

export function tellLine({ name, ok, took, passed, skipped }: Line): void {
  const counts = [
    ...(passed === undefined ? [] : [`${passed} passed`]),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(13)} ${[took, ...counts].join(", ")}`);
}

/** One line of what is done, and all that is known of a failure. */
export function tell({ step, ok, passed, skipped, seconds, output }: Result): void {
  tellLine({ name: step.name, ok, took: `${seconds.toFixed(1)} s`, passed: step.counts ? passed : undefined, skipped });
  if (ok) return;
  const failures = output.indexOf("✖ failing tests:");
  console.log(failures >= 0 ? toldIn(output.slice(0, failures)) + output.slice(failures) : output);
}
