const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC with `Z`, without a fraction when it is zero. `at` is milliseconds since the epoch, within Date's range. */
export function formatTime(at: number): string {
  const text = new Date(at).toISOString();
  return at % 1000 === 0 ? `${text.slice(0, -5)}Z` : text;
}

/** Milliseconds since the epoch of an RFC 3339 time with any offset, finer fractions cut; undefined when it is not one. */
export function parseTime(text: string): number | undefined {
  const parts = shape.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = parts;
  const millis = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    millis,
  );
  // Date.UTC carries what is too large (31 April, 25 o'clock) over: then the text would not come back.
  const asked = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  if (new Date(local).toISOString().slice(0, 19) !== asked) return undefined;
  const shift = offsetMinutes(zone);
  return shift === undefined ? undefined : local - shift * 60_000;
}

/** Milliseconds since the epoch of an RFC 3339 time, or of such milliseconds in digits; undefined when it is neither. */
export function parseMoment(text: string): number | undefined {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  // An offset's "+" that was not written as %2B arrives as a space; nothing else can be meant.
  return parseTime(text.replace(/ (?=\d\d:\d\d$)/, "+"));
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (hours * 60 + minutes) * (zone.startsWith("-") ? -1 : 1);
}
