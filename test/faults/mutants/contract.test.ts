import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";
import { unpack } from "../../../src/event/packed.ts";
import { readEvents } from "../../../src/ingest/read.ts";
import { WeirError } from "../../../src/lib/errors.ts";
import { seeded } from "../../support/random.ts";
import { goodBody, type GoodBody } from "./bodies.ts";
import { contractOf, type Taken } from "./contract.ts";
import { exactJson } from "./contract-payload.ts";
import { namedBodies } from "./named.ts";
import { mutated } from "./mutate.ts";
import { seed } from "./settings.ts";

const now = Date.UTC(2026, 0, 13, 10);
const bodies = Number(process.env["WEIR_BODIES"] ?? 4000);

test(`the server's reader and the contract's agree on ${bodies} broken bodies (WEIR_SEED=${seed})`, () => {
  const random = seeded(seed);
  const counts = { taken: 0, refused: 0 };
  for (let number = 0; number < bodies; number++) {
    const good = goodBody(random, now);
    const body = Buffer.from(mutated(good.text, random), "latin1");
    const partial = random.chance(0.5);
    const expected = expectedOf(good, body, partial);
    const read = readOf(good, body, partial);
    counts[read ? "taken" : "refused"] += 1;
    assert.ok(isDeepStrictEqual(read, expected), failure(number, good, body, partial, read, expected));
  }
  // A mutant that is always refused, or always taken, shows nothing.
  assert.ok(Math.min(counts.taken, counts.refused) > bodies / 10, JSON.stringify(counts));
});

for (const { name, form, text, isTaken } of namedBodies) {
  test(`${name}: no more`, () => {
    const good = { form, type: "", text };
    const body = Buffer.from(text, "latin1");
    assert.equal(readOf(good, body, false) !== undefined, isTaken);
    assert.equal(expectedOf(good, body, false) !== undefined, isTaken);
  });
}

const attributesOf = ({ attributes }: GoodBody): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));

function expectedOf(good: GoodBody, body: Buffer, partial: boolean): readonly Taken[] | undefined {
  const asked = { form: good.form, partial, timestampMax: now + 86_400_000, attributes: attributesOf(good) };
  return contractOf(body, asked)?.map((event) => ({
    ...event,
    timestamp: event.timestamp ?? new Date(now).toISOString(),
  }));
}

function readOf(good: GoodBody, body: Buffer, partial: boolean): readonly Taken[] | undefined {
  const form = good.form === "binary" ? { dataOf: attributesOf(good) } : good.form;
  try {
    const read = readEvents(body, form, { now, timestampMax: now + 86_400_000, eventsMax: 10_000 });
    if (read.refusedCount > 0 && !partial) return undefined;
    return unpack(read.accepted).map(({ timestamp, payload, ...texts }) => ({
      ...texts,
      timestamp: new Date(timestamp).toISOString(),
      payload: exactJson(payload) as Taken["payload"],
    }));
  } catch (error) {
    assert.ok(error instanceof WeirError, String(error));
    return undefined;
  }
}

const failure = (number: number, good: GoodBody, body: Buffer, partial: boolean, ...sides: unknown[]): string =>
  [
    `body ${number} of WEIR_SEED=${seed}, ${good.form}${partial ? ", partial" : ""}:`,
    JSON.stringify(body.toString("latin1").slice(0, 3000)),
    ...["read", "contract"].map((name, side) => `${name}: ${JSON.stringify(sides[side])?.slice(0, 2000)}`),
  ].join("\n");
