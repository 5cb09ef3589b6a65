/** A process that is a ClickHouse server to others: the engine on a folder, with a known password, started again when it dies. */
import { systemClock } from "../../src/lib/clock.ts";
import { startEngine } from "../../src/store/clickhouse/engine/engine.ts";

const [dataDir = "", password = ""] = process.argv.slice(2);
// Nobody ends a server that stands still.
const patience = { pingsMissedMax: Infinity };
const own = { newSecret: () => password, memoryMax: 2 * 2 ** 30 };
const engine = await startEngine({ dataDir, clock: systemClock, ...own, ...patience });
const tell = (): void => void process.send?.({ url: engine.url(), pid: engine.state().pid });
engine.onRestart(tell);
tell();
