const countries = ["DE", "DE", "DE", "DE", "DE", "FR", "FR", "FR", "NL", "NL", "PL", "PL", "PL", "PL", "SE"];
const types = ["view", "view", "view", "view", "cart", "cart", "order"];
const users = ["ann", "bob", "cem", "dee", "eva", "finn"];

export interface Made {
  readonly count: number;
  /** The time of the newest, ms. */
  readonly now: number;
  /** Between the newest and the oldest, ms. */
  readonly spreadMs: number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

/** Events of a small shop, oldest first. */
export function shopEvents({ count, now, spreadMs, random }: Made): readonly object[] {
  const one = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? "";
  const id = (): string =>
    Math.floor(random() * 36 ** 8)
      .toString(36)
      .padStart(8, "0");
  const times = Array.from({ length: count }, () => now - Math.floor(random() * spreadMs)).sort((a, b) => a - b);
  return times.map((at) => ({
    event_id: `try-${id()}${id()}`,
    user_id: one(users),
    event_type: one(types),
    timestamp: new Date(at).toISOString(),
    payload: { country: one(countries), price: Math.round(500 + random() * 9500) / 100 },
  }));
}

/** A line an event: short enough to be read, and to be changed by hand. */
export const eventsText = (events: readonly object[]): string =>
  `[\n${events.map((event) => `  ${JSON.stringify(event)}`).join(",\n")}\n]`;
