/** `npm run check`: everything that is quick. Types, lint, format, unused code, the house's rules, pure tests. */
import { checks, close, runSteps } from "./steps.ts";

process.exitCode = close(await runSteps(checks(), 2));
