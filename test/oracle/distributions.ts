/** Numbers on which sketches of quantiles have failed, and texts for counting different values. Seeded: the same in every run. */
import { type Random, seeded } from "../support/random.ts";

export interface Distribution {
  readonly name: string;
  readonly numbers: readonly number[];
}

const rows = 20_000;

const made = (name: string, next: (random: Random, index: number) => number, count = rows): Distribution => {
  const random = seeded(name.length * 7919 + count);
  return { name, numbers: Array.from({ length: count }, (_, index) => next(random, index)) };
};

/** Box and Muller. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
const pareto = (random: Random, shape: number): number => (1 - random.next()) ** (-1 / shape);
const shuffled = made("shuffled", (random) => Math.exp(random.next() * 12)).numbers;

export const distributions: readonly Distribution[] = [
  made("one value", () => 42.42),
  made("one negative value", () => -1e-7),
  made("zeros", () => 0),
  made("zeros of both signs and one", (_, index) => (index === 77 ? 1 : index % 2 === 0 ? 0 : -0)),
  made("two values, far apart", (random) => (random.chance(0.5) ? 1e-9 : 1e9)),
  made("two values of both signs", (random) => (random.chance(0.3) ? -5 : 5)),
  made(
    "one in a thousand is a million times as large",
    (random) => (random.chance(0.001) ? 1e6 : 1) * (1 + random.next()),
  ),
  made("Pareto with an infinite mean", (random) => pareto(random, 0.8)),
  made("Pareto with an infinite variance", (random) => pareto(random, 1.5)),
  made("twenty orders of magnitude", (random) => 10 ** (random.next() * 20 - 10)),
  made("twenty orders below zero", (random) => -(10 ** (random.next() * 20 - 10))),
  made("twenty orders of both signs", (random) => (random.chance(0.5) ? 1 : -1) * 10 ** (random.next() * 20 - 10)),
  made("almost sixty orders of magnitude", (random) => 10 ** (random.next() * 59 - 29.5)),
  made("around zero", normal),
  made("closely around zero", (random) => normal(random) * 1e-20),
  made("symmetrical", (_, index) => index - rows / 2 + 0.5),
  made("nine of ten are zero", (random) => (random.chance(0.9) ? 0 : normal(random))),
  made("small whole numbers", (random) => random.int(10)),
  made("whole numbers", (random) => random.int(100_000) - 50_000),
  made("whole numbers beyond 2^53", (random) => 2 ** 60 + random.int(1000) * 2 ** 40),
  made("response times", (random) => Math.round(Math.exp(normal(random) * 1.2 + 4) * 1000) / 1000),
  made("three hills", (random) => random.pick([1, 1000, 1_000_000]) * (1 + normal(random) * 0.01)),
  made("close together", (random) => 1_000_000 + random.next()),
  { name: "sorted", numbers: shuffled.toSorted((a, b) => a - b) },
  { name: "sorted downwards", numbers: shuffled.toSorted((a, b) => b - a) },
  ...[1, 2, 3, 5, 10, 11, 100].map((count) => made(`${count} rows`, (random) => normal(random) * 100, count)),
];

/** So many that a bound on the size of a sketch would show. */
export const longDistributions: readonly Distribution[] = [
  made(
    "a million of twenty orders of both signs",
    (random) => (random.chance(0.5) ? 1 : -1) * 10 ** (random.next() * 20 - 10),
    1_000_000,
  ),
  made("a million of Pareto", (random) => pareto(random, 1), 1_000_000),
];

export interface TextList {
  readonly name: string;
  /** As JSON. */
  readonly texts: readonly string[];
  readonly different: number;
}

const list = (name: string, different: number, textOf: (index: number) => string, times = 1): TextList => ({
  name,
  different,
  texts: Array.from({ length: different * times }, (_, index) => textOf(index % different)),
});
const random = seeded(11);

export const textLists: readonly TextList[] = [
  list("one text, often", 1, () => '"x"', 20_000),
  list("a few texts, often", 7, (index) => `"user_${index}"`, 3000),
  ...[100, 1000, 10_000, 65_536, 200_000].map((count) => list(`${count} numbers`, count, String)),
  list("numbers with gaps", 50_000, (index) => String(index * 4096)),
  list("decimals", 50_000, (index) => String(index / 64)),
  list("texts that end alike", 50_000, (index) => `"${index}${"x".repeat(100)}"`),
  list("texts that begin alike, each three times", 30_000, (index) => `"${"x".repeat(100)}${index}"`, 3),
  list("random texts", 50_000, () => `"${random.hex(24)}"`),
  list("a million numbers", 1_000_000, String),
];
