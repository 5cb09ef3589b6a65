/** For the tests: a process that starts an engine on the given folder, tells the engine's address, and waits to be killed. */
import { systemClock } from "../../../lib/clock.ts";
import { startEngine } from "./engine.ts";

const engine = await startEngine({ dataDir: process.argv[2] ?? "", clock: systemClock });
process.send?.(engine.url());
