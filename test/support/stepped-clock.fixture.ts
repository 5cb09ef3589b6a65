/**
 * The program as it is, but for its wall clock: that is off by as many milliseconds as the file says that CLOCK_OFFSET_FILE
 * names. Timers and the monotonic clock go on as they do when a system's clock is set.
 */
import { readFileSync } from "node:fs";
import { systemClock } from "../../src/lib/clock.ts";
import { main } from "../../src/main.ts";

const file = process.env["CLOCK_OFFSET_FILE"] ?? "";
const offset = (): number => Number(readFileSync(file, "latin1"));
offset();
Object.assign(systemClock, { now: () => Date.now() + offset() });
await main();
