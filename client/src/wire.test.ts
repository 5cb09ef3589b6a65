import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Static } from "typebox";
import { formatted } from "../../scripts/docs.ts";
import { wireFile, wireTypes } from "../../scripts/client-types.ts";
import type { DryRunAnswer } from "../../src/protocol/dry-run.ts";
import type { IngestAnswer } from "../../src/protocol/ingest.ts";
import type { LiveDelta, LiveSnapshot } from "../../src/protocol/live-exact.ts";
import type { PlainRule, RuleAnswer } from "../../src/protocol/rules.ts";
import type { StatsAnswer } from "../../src/protocol/stats.ts";
import type { VerificationAnswer } from "../../src/protocol/verification.ts";
import type * as wire from "./wire.ts";

test("the client's types are those of the schemas; `npm run docs` writes them", () => {
  assert.equal(readFileSync(wireFile, "utf8"), formatted(wireTypes()));
});

/** That the generator has read the schemas as TypeScript does; checked by `npm run types`, nothing is run. */
type Reads<Server extends Client, Client> = [Server, Client];
export type Proofs = [
  Reads<Static<typeof PlainRule>, wire.Rule>,
  Reads<RuleAnswer, wire.RuleAnswer>,
  Reads<IngestAnswer, wire.IngestAnswer>,
  Reads<StatsAnswer, wire.StatsAnswer>,
  Reads<DryRunAnswer, wire.DryRunAnswer>,
  Reads<VerificationAnswer, wire.VerificationAnswer>,
  Reads<LiveSnapshot["type"], wire.LiveSnapshot["type"]>,
  Reads<wire.LiveDelta["type"], LiveDelta["type"]>,
  Reads<wire.StatsRow["value"], wire.WindowValue>,
  Reads<keyof wire.RuleAnswer, keyof RuleAnswer>,
  Reads<Exclude<wire.Rule["window_type"], undefined>, "tumbling" | "hopping" | "cumulative">,
];
