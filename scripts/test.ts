/**
 * `npm test`: everything, with one closing line. The quick steps run beside each other; what measures recovery and
 * starts engines runs after them, so that it has the machine. `npm test -- engine` runs the steps whose names begin so.
 */
import { checks, close, runSteps, simulation, slowLanes } from "./steps.ts";

const asked = process.argv.slice(2);
const wanted = (step: { name: string }): boolean =>
  asked.length === 0 || asked.some((name) => step.name.startsWith(name));

const quick = await runSteps([simulation(), ...checks()].filter(wanted), 2);
const slow = await runSteps(slowLanes().filter(wanted), 1);
process.exitCode = close([...quick, ...slow]);
