import type { Random } from "../support/random.ts";
import { oddities } from "./mutants/oddities.ts";

/** What the engine is known to stumble over, each in a payload (`docs/decisions/0016`). */
const known = [
  '{"v":"\\ud800"}',
  '{"\\udc00":1}',
  '{"v":18446744073709551616}',
  '{"v":-9223372036854775809}',
  '{"v":1e400}',
  '{"a":{"b":1},"a.b":2}',
  `{"v":${"[".repeat(1000)}${"]".repeat(1000)}}`,
  `${'{"a":'.repeat(1200)}1${"}".repeat(1200)}`,
];

const pieces = oddities.flat().filter((piece) => !/[\n\r]/.test(piece));
const fields = ["event_id", "event_type", "user_id", "timestamp", "payload"] as const;

/**
 * Lines of NDJSON that look like events, one for each odd piece of text in each field: the kinds of JSONTestSuite and of
 * section 3 of the design. Most are no events; which of them are, the contract says. As bytes, one character each.
 */
export function poisonLines(now: number): readonly string[] {
  const odd = fields.flatMap((field) => pieces.map((piece) => ({ field, piece })));
  const nested = pieces.map((piece) => ({ field: "payload", piece: `{"v":${piece}}` }));
  const all = [...odd, ...nested, ...known.map((piece) => ({ field: "payload", piece }))];
  return all.map(({ field, piece }, index) => lineOf({ [field]: piece }, `odd ${index}`, now));
}

/** No ids: an odd one that is taken would come again and again, with other texts beside it. */
const pairedFields = ["event_type", "user_id", "timestamp", "payload"] as const;
const pairsInAll = pieces.length ** 2;

/** The same with two odd pieces in each, in two fields. All pairs of pieces, or so many of them as chance will have it. */
export function poisonPairs(now: number, count: number, random: Random): readonly string[] {
  const drawn = count < pairsInAll ? Array.from({ length: count }, () => random.int(pairsInAll)) : allPairs();
  return Array.from(drawn, (pair, index) => {
    const [first, second] = [pieces[Math.floor(pair / pieces.length)]!, pieces[pair % pieces.length]!];
    const field = random.pick(pairedFields);
    const other = random.pick(pairedFields.filter((name) => name !== field));
    return lineOf({ [field]: first, [other]: second }, `pair ${index}`, now);
  });
}

const allPairs = (): Iterable<number> => Array(pairsInAll).keys();

function lineOf(odd: Readonly<Record<string, string>>, id: string, now: number): string {
  const usual: Record<string, string> = {
    event_id: JSON.stringify(id),
    event_type: '"odd"',
    user_id: '"u"',
    timestamp: String(now),
    payload: "{}",
  };
  const texts = Object.entries({ ...usual, ...odd }).map(([key, text]) => `"${key}":${text}`);
  return `{${texts.join(",")}}`;
}
