const day = 86_400;

/**
 * Labels of a time axis in UTC, in the form the rest of the pages has: the time at each place, and below the first one (and the
 * first of each further day) the date. `splits` are seconds since the epoch, `step` is what lies between them.
 */
export function axisTimes(splits: readonly number[], step: number): string[] {
  return splits.map((at, index) => {
    const [date = "", time = ""] = new Date(at * 1000).toISOString().split("T");
    if (step >= day) return date;
    const before = splits[index - 1];
    const isNewDay = before === undefined || Math.floor(before / day) !== Math.floor(at / day);
    return time.slice(0, step < 60 ? 8 : 5) + (isNewDay ? `\n${date}` : "");
  });
}
