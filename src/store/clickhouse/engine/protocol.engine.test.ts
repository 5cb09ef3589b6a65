import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { systemClock } from "../../../lib/clock.ts";
import { startEngine, type Engine } from "./engine.ts";
import { protocolSuite } from "./protocol.suite.ts";

let engine: Engine;
let dataDir = "";

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "weir-engine-"));
  engine = await startEngine({ dataDir, clock: systemClock });
});

after(async () => {
  await engine.stop();
  await rm(dataDir, { recursive: true, force: true });
});

protocolSuite(() => engine);
