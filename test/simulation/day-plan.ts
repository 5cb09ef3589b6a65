import { mix } from "../support/random.ts";
import { type Plan, planOf } from "./plan.ts";

/** A stretch of a day's troubles lasts some two of these, until the last who sends, edits or watches has done what it wanted. */
const activeMs = 1_200_000;
/** All events of a day have room on one page of `/events`, and the windows of a rule in one read. */
const eventsMax = 90;
const dayMs = 86_400_000;

/**
 * A stretch of a long day, drawn from its seed and its number: each has the troubles of another world, so that a day has hours of
 * every kind. Who watches is there all day.
 */
export function dayPlanOf(seed: number, stretch: number): Plan {
  const day = planOf(seed);
  const plan = planOf(mix(seed) ^ mix(stretch));
  return {
    ...plan,
    begin: beginnings[seed % beginnings.length]! - (seed % 5) * 3_600_000,
    activeMs,
    eventsPerSender: Math.min(plan.eventsPerSender, Math.floor(eventsMax / plan.senders)),
    watchers: day.watchers,
    exactWatchers: 1 + (seed % 2),
    clockSteps: 2 + plan.clockSteps,
    oddTimes: 0.08,
    settledWithinMs: 4 * activeMs + 900_000,
    // Less than a clock is set by: who waits by the wall clock is found waiting.
    restWithinMs: 900_000,
    // A day is mostly quiet, and nobody is in a hurry.
    fillPollMs: 2000,
    tickMs: 500,
    isDay: true,
  };
}

/** Days in which something is odd about the calendar: summer time begins and ends in Berlin, a leap day, the turn of a year. */
const beginnings = [
  Date.UTC(2026, 2, 28, 18),
  Date.UTC(2026, 9, 24, 18),
  Date.UTC(2028, 1, 28, 18),
  Date.UTC(2026, 11, 31, 12),
  Date.UTC(2026, 0, 17, 19, 30) + dayMs,
];
