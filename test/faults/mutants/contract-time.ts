const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const longest = 64;

/** Milliseconds since the epoch of a time as in RFC 3339, or of whole milliseconds; NaN when it is neither. */
export function contractTime(value: unknown): number {
  if (typeof value === "number") return Number.isInteger(value) ? value : NaN;
  if (typeof value !== "string" || value.length > longest) return NaN;
  const [, year, month, day, hour, minute, second, fraction = "", sign, east = "0", minutes = "0"] =
    shape.exec(value) ?? [];
  if (year === undefined) return NaN;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // A day that is in no calendar becomes one of the next month.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return NaN;
  const parts = [hour, minute, second, east, minutes].map(Number);
  if (parts.some((part, index) => part > [23, 59, 60, 23, 59][index]!)) return NaN;
  const offset = (Number(east) * 60 + Number(minutes)) * (sign === "-" ? -60_000 : 60_000);
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, "0")));
  const utc = date.getTime() - offset;
  return second === "60" && !isFirstSecondOfMonth(utc) ? NaN : utc;
}

const isFirstSecondOfMonth = (utc: number): boolean => /-01T00:00:00\.\d+Z$/.test(new Date(utc).toISOString());
