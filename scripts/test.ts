/**
 * `npm test`: everything, with one closing line. The quick steps run beside each other, and so do those that wait for
 * services much of the time; what measures recovery and overload runs after them, so that it has the machine.
 * `npm test -- engine` runs the steps whose names begin so.
 */
import { checks, close, faultLanes, runSteps, serviceLanes, simulation } from "./steps.ts";

const asked = process.argv.slice(2);
const wanted = (step: { name: string }): boolean =>
  asked.length === 0 || asked.some((name) => step.name.startsWith(name));

const quick = await runSteps([simulation(), ...checks()].filter(wanted), 2);
const services = await runSteps(serviceLanes().filter(wanted), 2);
const faults = await runSteps(faultLanes().filter(wanted), 1);
process.exitCode = close([...quick, ...services, ...faults]);
