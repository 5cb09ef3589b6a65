/** `npm run check`: everything that is quick. Types, lint, format, unused code, the house's rules, pure tests. */
import { fileURLToPath } from "node:url";
import { checks, close, runSteps } from "./steps.ts";

// What one check has compiled the next one takes from here.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../node_modules/.cache/weir-tests", import.meta.url));
// Many of the tests wait for something, so more of them than there are cores.
process.exitCode = close(await runSteps(checks(), 4));
