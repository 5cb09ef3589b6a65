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

const fields = ["event_id", "event_type", "user_id", "timestamp", "payload"] as const;

/**
 * Lines of NDJSON that look like events, one for each odd piece of text in each field: the kinds of JSONTestSuite and of
 * section 3 of the design. Most are no events; which of them are, the contract says. As bytes, one character each.
 */
export function poisonLines(now: number): readonly string[] {
  const pieces = oddities.flat().filter((piece) => !/[\n\r]/.test(piece));
  const odd = fields.flatMap((field) => pieces.map((piece) => ({ field, piece })));
  const nested = pieces.map((piece) => ({ field: "payload", piece: `{"v":${piece}}` }));
  const all = [...odd, ...nested, ...known.map((piece) => ({ field: "payload", piece }))];
  return all.map(({ field, piece }, index) => lineOf(field, piece, index, now));
}

function lineOf(field: string, piece: string, index: number, now: number): string {
  const usual: Record<string, string> = {
    event_id: JSON.stringify(`odd ${index}`),
    event_type: '"odd"',
    user_id: '"u"',
    timestamp: String(now),
    payload: "{}",
  };
  const texts = Object.entries({ ...usual, [field]: piece }).map(([key, text]) => `"${key}":${text}`);
  return `{${texts.join(",")}}`;
}
