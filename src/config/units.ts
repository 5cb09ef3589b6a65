/** Sizes and durations as people write them: `32MiB`, `10 GiB`, `500ms`, `5s`, `1d`. A number alone is bytes or milliseconds. */

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const durationUnits: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Bytes; undefined when the text is not a size. */
export const parseSize = (text: string): number | undefined => parse(text, sizeUnits);

/** Milliseconds; undefined when the text is not a duration. */
export const parseDuration = (text: string): number | undefined => parse(text, durationUnits);

/** The shortest exact form, e.g. `512MiB`. */
export const formatSize = (bytes: number): string =>
  format(bytes, [
    ["TiB", 2 ** 40],
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
    ["B", 1],
  ]);

/** The shortest exact form, e.g. `5s`. */
export const formatDuration = (ms: number): string =>
  format(ms, [
    ["d", 86400e3],
    ["h", 3600e3],
    ["m", 60e3],
    ["s", 1e3],
    ["ms", 1],
  ]);

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,20})(?:\.(\d{1,20}))?\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = "", fraction = "", unit = ""] = match;
  const factor = units[unit.toLowerCase()];
  if (factor === undefined) return undefined;
  // In whole numbers: 4.1 × 60,000 is not quite 246,000.
  const product = BigInt(whole + fraction) * BigInt(factor);
  const parts = 10n ** BigInt(fraction.length);
  const value = Number(product / parts);
  return product % parts === 0n && Number.isSafeInteger(value) ? value : undefined;
}

function format(value: number, units: readonly (readonly [string, number])[]): string {
  const unit = units.find(([, factor]) => value >= factor && value % factor === 0) ?? units.at(-1)!;
  return `${value / unit[1]}${unit[0]}`;
}
