/** The rates of one moment; null where the server did not answer. */
export interface Sample {
  /** ms since the epoch. */
  readonly at: number;
  readonly accepted: number | null;
  readonly counted: number | null;
}

/** Of what is drawn: two minutes. */
export const historyMs = 120_000;

/** With one more, and without those that are too old to be drawn. */
export const addSample = (history: readonly Sample[], sample: Sample): readonly Sample[] => [
  ...history.filter(({ at }) => at > sample.at - historyMs && at < sample.at),
  sample,
];

/** As lines of a chart. */
export const ratesOf = (history: readonly Sample[]) => ({
  xs: history.map(({ at }) => at / 1000),
  // From the first second on, so that the line does not stretch and shrink while it begins.
  least: 30,
  lines: [
    { key: "acknowledged", label: "acknowledged", values: history.map(({ accepted }) => accepted) },
    { key: "counted", label: "counted", values: history.map(({ counted }) => counted) },
  ],
});
