/**
 * `npm run faults`: the fault tests as every run plays them; `npm run faults -- --long` plays the long forms, one after the
 * other, for hours. Names of rows (`R1 R14`) play only these. Ends with a line for each, as docs/reliability.md keeps them.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { type LongForm, longForms } from "./long-forms.ts";
import { faultLane, loadLane, runLanes } from "./lanes.ts";
import { close, fileSteps, type Result, runSteps, toldIn } from "./steps.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { long: { type: "boolean" } } });
const asked = ({ row }: LongForm): boolean => positionals.length === 0 || positionals.includes(row);
const forms = longForms.filter(asked);

const results = await (values.long === true || positionals.length > 0 ? playForms() : playUsual());
process.exitCode = close(results);

async function playUsual(): Promise<Result[]> {
  return [...(await runLanes([faultLane()], 2)), ...(await runLanes([loadLane()], 1))];
}

async function playForms(): Promise<Result[]> {
  if (forms.length === 0)
    throw new Error(`no such row; there are ${[...new Set(longForms.map(({ row }) => row))].join(", ")}`);
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const results: Result[] = [];
  for (const form of forms) {
    if (values.long === true) Object.assign(process.env, form.env);
    const what = values.long === true ? form.what : "as in every run";
    const [result] = await runSteps(fileSteps(`${form.row} ${what}`, form.file, form.only), 1);
    results.push(result!);
    // What failed has been told already.
    if (result!.ok) process.stdout.write(toldIn(result!.output));
    const minutes = (result!.seconds / 60).toFixed(1);
    console.log(`| ${form.row} | ${what} | ${minutes} min | ${commit} | ${result!.ok ? "nothing" : "FAILED"} |`);
  }
  return results;
}
