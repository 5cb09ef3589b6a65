const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });
const broken = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** What is shown where nothing is known. */
export const nothing = "–";

/** A whole number with its thousands apart; `–` for what the server can't say. */
export const countText = (count: number | null | undefined): string =>
  count === null || count === undefined ? nothing : grouped.format(count);

/** For axes and tight places: `1.2M`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15 || (size < 1e-6 && size > 0)) return value.toPrecision(3);
  return size < 1000 ? fine.format(value) : short.format(value);
}

/** The value of a window, of any metric; of one that is exact with its `decimals`, as money is written. */
export function valueText(value: unknown, decimals?: number): string {
  if (value === null || value === undefined) return nothing;
  if (typeof value === "number") return numberText(value, decimals);
  if (Array.isArray(value)) return value.map((one: unknown) => topText(one)).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Nothing in front of the point is ever rounded away. */
function numberText(value: number, decimals: number | undefined): string {
  const size = Math.abs(value);
  if (size >= 1e16 || (size < 1e-9 && value !== 0)) return value.toPrecision(6).replace(/\.?0+(?=e|$)/, "");
  if (decimals !== undefined)
    return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return size < 1 ? fine.format(value) : broken.format(value);
}

/** What one text is shown as, which may be anything: in quotes where it would look like another, as `DE` and `DE ` do, or like none. */
export const shownText = (text: string): string =>
  /^[\s\p{C}]*$|^\s|\s$|\p{Cc}/u.test(text) ? JSON.stringify(text) : text;

function topText(one: unknown): string {
  if (typeof one !== "object" || one === null || !("value" in one) || !("count" in one)) return JSON.stringify(one);
  return `${shownText(String(one.value))} (${grouped.format(Number(one.count))})`;
}

/** `350 ms`, `4.2 s`, `3 min`, `2.5 h`, `3 days`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000)} s`;
  if (ms < 3_600_000) return `${trimmed(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${trimmed(ms / 3_600_000)} h`;
  return `${trimmed(ms / 86_400_000)} days`;
}

export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${trimmed(bytes / 1024 ** power)} ${units[power]}`;
}

export const percentText = (share: number): string => `${trimmed(share * 100)} %`;

/** One digit behind the point, where it says something. */
const trimmed = (value: number): string => value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");

/** `14:05:09` of today, else `2026-01-13 14:05:09`; UTC, as windows are. `at` and `now` are RFC 3339 or ms. */
export function timeText(at: string | number, now: number = Date.now()): string {
  const [day, time] = parts(at);
  return day === parts(now)[0] ? time : `${day} ${time}`;
}

function parts(at: string | number): readonly [day: string, time: string] {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return [String(at), ""];
  const [day = "", time = ""] = date.toISOString().split("T");
  return [day, time.slice(0, 8)];
}

/** `1 event`, `2 events`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;
