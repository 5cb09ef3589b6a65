import { type Reading, read, wrong } from "./reading.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const secondsMax = 30 * unitSeconds["d"]!;
const right = 'a number and one of s, m, h, d, from "1s" to "30d", such as "10m"';

/** The seconds of a window size such as `10m`. */
export function parseWindowSize(text: string): Reading<number> {
  if (/^\d{1,3}(w|mo)$/.test(text)) return wrong(`calendar weeks and months are not available yet; take ${right}`);
  const match = /^([1-9]\d{0,7})([smhd])$/.exec(text);
  if (match === null) return wrong(`must be ${right}`);
  const seconds = Number(match[1]) * unitSeconds[match[2]!]!;
  return seconds <= secondsMax ? read(seconds) : wrong(`is longer than 30 days; must be ${right}`);
}
