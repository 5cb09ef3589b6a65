import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { Bindings } from "../rollup/bindings.ts";
import { startOf } from "../rollup/pane.ts";
import { endOfSpan, startOfSpan } from "./calendar.ts";
import { zoneNames } from "./cel/zone-names.ts";
import type { Span } from "./rule.ts";

// Zones with a story: midnights that are skipped or come twice, days left out, odd offsets, clocks set often, late changes.
const odd =
  `America/Sao_Paulo America/Havana America/St_Johns America/New_York America/Asuncion America/Santiago America/Caracas
  America/Scoresbysund America/Nuuk America/Mexico_City America/Tijuana America/Vancouver America/Edmonton America/Toronto
  America/Argentina/San_Luis Asia/Beirut Asia/Gaza Asia/Hebron Asia/Amman Asia/Tehran Asia/Kathmandu Asia/Kolkata
  Asia/Pyongyang Asia/Manila Asia/Tokyo Africa/Cairo Africa/Casablanca Africa/El_Aaiun Africa/Monrovia Africa/Juba
  Australia/Lord_Howe Australia/Adelaide Pacific/Apia Pacific/Kiritimati Pacific/Kwajalein Pacific/Fakaofo Pacific/Chatham
  Pacific/Easter Europe/Dublin Europe/Lisbon Europe/Berlin Europe/Volgograd Atlantic/Azores Antarctica/Troll
  Antarctica/Casey Etc/GMT+12 UTC`.split(/\s+/);
/** How many zones more are looked at, beginning with the one that the seed says. */
const rounds = Number(process.env["WEIR_ROUNDS"] ?? 50);
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff);
const units = ["day", "week", "month"] as const;
const [hour, dayMs] = [3_600_000, 86_400_000];
const until = Date.UTC(2038, 0);
/** From the start of a unit surely into the next one. */
const onwards = { day: 36 * hour, week: 10 * dayMs, month: 40 * dayMs };

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

before(async () => {
  engine = await openEmbeddedEngine();
});

after(() => engine.close());

test("spans begin and end where the engine's do, around every change of the clocks", async () => {
  for (const timezone of odd) {
    const moments = changes(timezone).flatMap(around);
    for (const unit of units) await compare({ unit, timezone }, [...moments, ...firstDays]);
  }
});

test("in any zone days and months begin where the engine's do, in all seasons", async (t) => {
  t.diagnostic(`WEIR_SEED=${seed}, ${rounds} zones`);
  const moments = Array.from({ length: 4 * 68 }, (_, index) => Date.UTC(1970, index * 3, 16, 12, 0, 0, 1));
  const zones = [...zoneNames];
  for (const timezone of [...zones, ...zones].slice(seed % zones.length).slice(0, Math.min(rounds, zones.length))) {
    await compare({ unit: "day", timezone }, moments);
    await compare({ unit: "month", timezone }, moments);
  }
});

test("spans of seconds are counted from the epoch, by both", async () => {
  for (const count of [1, 7, 600, 5400, 86_400, 604_800, 2_592_000])
    await compare({ unit: "second", count }, [0, 999, 1000, 86_399_999, 1_768_298_400_123, until]);
});

const firstDays = Array.from({ length: 90 }, (_, index) => index * 11 * hour + 1);

async function compare(span: Span, moments: readonly number[]): Promise<void> {
  const starts = moments.map((ms) => startOfSpan(span, ms));
  same(span, "start", moments, starts, await engineStarts(span, moments));
  if (span.unit === "second") return;
  // The engine's unit before the first one has no start of its own, and so no length either.
  const later = [...new Set(starts)].filter((start) => start > 2 * dayMs);
  const next = await engineStarts(
    span,
    later.map((start) => start + onwards[span.unit]),
  );
  same(
    span,
    "end",
    later,
    later.map((start) => endOfSpan(span, start)),
    next,
  );
}

function same(
  span: Span,
  what: string,
  moments: readonly number[],
  ours: readonly number[],
  engines: readonly number[],
): void {
  assert.equal(ours.length, engines.length);
  const at = ours.findIndex((value, index) => value !== engines[index]);
  const iso = (ms: number): string => new Date(ms).toISOString();
  if (at >= 0)
    assert.fail(
      `${what} of ${JSON.stringify(span)} at ${iso(moments[at]!)}: ${iso(ours[at]!)}, by the engine ${iso(engines[at]!)}`,
    );
}

async function engineStarts(span: Span, moments: readonly number[]): Promise<number[]> {
  const bindings = new Bindings();
  const sql = `SELECT groupArray(toFloat64(${startOf(span, bindings)}) * 1000) AS starts
    FROM (SELECT arrayJoin({moments:Array(Int64)}) AS at)`;
  const [row] = await engine.connection.rows<{ starts: number[] }>({
    sql,
    parameters: { ...bindings.values, moments },
  });
  return row!.starts;
}

/** The moments at which the clocks of a zone are set, by what they show. */
function changes(timezone: string): number[] {
  const clocks = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
  const offset = (ms: number): string => clocks.format(ms).split("GMT")[1]!;
  const found: number[] = [];
  for (let week = 0; week < until; week += 7 * dayMs) {
    const [was, is] = [offset(week), offset(week + 7 * dayMs)];
    if (was === is) continue;
    let [low, high] = [week, week + 7 * dayMs];
    while (high - low > 1000) {
      const middle = low + Math.floor((high - low) / 2000) * 1000;
      if (offset(middle) === was) low = middle;
      else high = middle;
    }
    found.push(high);
  }
  return found;
}

function around(change: number): number[] {
  const near = Array.from({ length: 53 }, (_, index) => change + (index - 26) * hour);
  const days = [-20, -5, -2, 2, 5, 20].map((days) => change + days * dayMs);
  return [...near, ...days, change - 1, change - hour / 2 - 1, change + hour / 2 - 1, change + hour - 1].filter(
    (ms) => ms >= 0,
  );
}
