import { test } from "node:test";
import { startStandAloneEngine } from "../support/stand-alone-engine.ts";
import { killOnServer } from "./on-server.ts";
import { faultSeed } from "./stage.ts";

/** More by `WEIR_KILLS`. */
const kills = Number(process.env["WEIR_KILLS"] ?? 10);

test("R1 on a ClickHouse server: kills of Weir, and of the server, lose nothing and count nothing twice", async (t) => {
  const mortal = await startStandAloneEngine();
  try {
    await killOnServer(t, mortal, { seed: faultSeed(), database: "weir", kills, mortal });
  } finally {
    await mortal.close();
  }
});
