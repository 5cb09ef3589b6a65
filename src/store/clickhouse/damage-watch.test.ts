import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ClickHouseError } from "@clickhouse/client";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import { DamageWatch } from "./damage-watch.ts";
import { asWeirError } from "./failure.ts";

const reading = (part: string): Error =>
  asWeirError(
    new ClickHouseError({
      message: `Checksum doesn't match: (while reading from part /d/${part}/ in table weir.raw_events (9057) located on disk)`,
      code: "40",
      type: "CHECKSUM_DOESNT_MATCH",
    }),
    false,
  );

test("a damaged part is told once, by the name that it has then, until the store has it no more", async () => {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const watch = new DamageWatch({ log: (level, message) => void said.push(`${level}: ${message}`) });
  const parts = new Set(["202601-0_1_1_0"]);
  const setAside = new Set<string>();
  const rows = async ({ sql, parameters }: Statement): Promise<unknown[]> =>
    sql.includes("detached_parts")
      ? [...setAside].map((name) => ({ name, partition: "p", full_name: "weir.raw_events", path: "/d/nowhere" }))
      : parts.has(String(parameters["part"]))
        ? [{}]
        : [];
  const stop = await watch.start({ rows } as unknown as Connection, clock);
  assert.equal(watch.describe(), undefined);
  for (const part of ["202601-0_1_1_0", "202601-0_1_1_0", "202601-0_1_1_0_7"]) watch.failed(reading(part) as never);
  watch.failed(asWeirError(new Error("away"), false));
  const named = (part: string): string =>
    `part ${part} of the table weir.raw_events is damaged in the store and can't be read`;
  assert.equal(watch.describe(), named("202601-0_1_1_0_7"));
  watch.mustHaveAll();
  await clock.advance(60_000);
  assert.equal(watch.describe(), named("202601-0_1_1_0_7"), "it is there");
  parts.clear();
  await clock.advance(60_000);
  assert.equal(watch.describe(), undefined);
  const told = (part: string): string => `error: ${named(part)}; docs/operating.md says what to do`;
  const gone = "info: a damaged part is not in the store any more";
  assert.deepEqual(said.splice(0), [told("202601-0_1_1_0"), told("202601-0_1_1_0_7"), gone]);

  setAside.add("broken-on-start_202602-0_2_2_0");
  await clock.advance(60_000);
  // Its file is looked for.
  while (watch.describe() === undefined) await pause(1);
  assert.throws(watch.mustHaveAll, { code: "store_damaged", message: /broken-on-start_202602-0_2_2_0.* are missing/ });
  setAside.clear();
  await clock.advance(60_000);
  watch.mustHaveAll();
  assert.equal(said.length, 2);
  stop();
});
