/**
 * Time zones for which the embedded engine's data (2025a) has other clocks than newer data has, as Node's may be: since
 * when it takes the clocks of which other zone. What is stored was cut by the engine's clocks, so they decide.
 *
 * Vancouver, Edmonton and Morocco keep one time all the year since autumn 2026, which the engine does not know;
 * Tijuana's summers until 1975 and Tehran's autumn of 1978 are history that was corrected later.
 */
export const engineZones: Readonly<Record<string, readonly EngineClocks[]>> = {
  "America/Vancouver": [{ since: Date.UTC(2026, 10, 1, 9), like: "America/Los_Angeles" }],
  "America/Edmonton": [{ since: Date.UTC(2026, 10, 1, 8), like: "America/Denver" }],
  "America/Tijuana": [
    { since: 0, like: "Etc/GMT+8" },
    { since: Date.UTC(1976, 0, 1), like: "America/Tijuana" },
  ],
  "Asia/Tehran": [
    { since: Date.UTC(1978, 10, 1), like: "Etc/GMT-4" },
    { since: Date.UTC(1978, 11, 31, 20), like: "Asia/Tehran" },
  ],
  "Africa/Casablanca": morocco(),
  "Africa/El_Aaiun": morocco(),
};

export interface EngineClocks {
  /** Milliseconds since the epoch; ascending. */
  readonly since: number;
  readonly like: string;
}

/** An hour ahead of UTC, but not in Ramadan; as far as windows may be asked for in the years that the engine will live. */
function morocco(): readonly EngineClocks[] {
  const ramadans = [
    ["2027-02-07", "2027-03-14"],
    ["2028-01-23", "2028-03-05"],
    ["2029-01-14", "2029-02-18"],
    ["2029-12-30", "2030-02-10"],
    ["2030-12-22", "2031-01-26"],
    ["2031-12-14", "2032-01-18"],
    ["2032-11-28", "2033-01-09"],
    ["2033-11-20", "2033-12-25"],
    ["2034-11-05", "2034-12-17"],
    ["2035-10-28", "2035-12-09"],
    ["2036-10-19", "2036-11-23"],
    ["2037-10-04", "2037-11-15"],
  ] as const;
  const at = (date: string): number => Date.parse(`${date}T02:00:00Z`);
  return [
    { since: Date.UTC(2026, 5, 1), like: "Etc/GMT-1" },
    ...ramadans.flatMap(([from, to]) => [
      { since: at(from), like: "UTC" },
      { since: at(to), like: "Etc/GMT-1" },
    ]),
  ];
}
