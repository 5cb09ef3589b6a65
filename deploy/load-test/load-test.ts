/**
 * Loads a Weir that runs somewhere, through HTTP and past it through Kafka, waits until all is counted, and compares every window
 * with its own arithmetic. Ends with 0 when all is right, with 1 when anything differs, with 2 when it was asked for nonsense.
 *
 *     LOAD_TEST_INGEST_URL=http://localhost:8000 LOAD_TEST_QUERY_URL=http://localhost:8001 node deploy/load-test/load-test.ts
 */
import { runLoadTest } from "./run.ts";
import { settingsOf } from "./settings.ts";
import type { Settings } from "./settings.ts";

function settings(): Settings | undefined {
  try {
    return settingsOf(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

const asked = settings();
process.exitCode = asked === undefined ? 2 : await runLoadTest(asked, (line) => console.log(line));
