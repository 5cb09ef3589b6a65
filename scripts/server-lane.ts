/**
 * `WEIR_CLICKHOUSE_URL=http://… npm run server-lane`: what Weir relies on of a ClickHouse server, tried on one that is there. It
 * makes databases whose names begin with `weir_lane_` and leaves them.
 */
import { close, runSteps, serverLane } from "./steps.ts";

process.exitCode = close(await runSteps([serverLane()], 1));
