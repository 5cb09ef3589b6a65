/**
 * `npm test`: everything, with one closing line. First what is quick; then all that waits for services much of the time, four
 * files at a time on two cores; what loads the machine runs after them, so that it has it for itself.
 * `npm test -- engine` runs the steps whose names begin so.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultLane, loadLane, runLanes, serviceLanes, simulation } from "./lanes.ts";
import { checks, close, runStep, runSteps } from "./steps.ts";

const asked = process.argv.slice(2);
const wanted = (step: { name: string }): boolean =>
  asked.length === 0 || asked.some((name) => step.name.startsWith(name));

// Hundreds of processes load the same sources; what one has compiled the others take from here.
const compiled = mkdtempSync(join(tmpdir(), "weir-compiled-"));
process.env["NODE_COMPILE_CACHE"] = compiled;
process.once("exit", () => rmSync(compiled, { recursive: true, force: true }));

const quick = await runSteps(checks().filter(wanted), 4);
// As nice as an engine is to its server: where there is always more to do than processors, it would hardly get any.
const services = await runLanes([simulation(), ...serviceLanes(), faultLane()].filter(wanted), 4, (step) =>
  runStep(step, 15),
);
const load = await runLanes([loadLane()].filter(wanted), 1);
process.exitCode = close([...quick, ...services, ...load]);
