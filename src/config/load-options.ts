import { choice, count, duration, orOff, url } from "./kind.ts";
import { option } from "./option.ts";
import type { Option } from "./option.ts";
import { senderOptions } from "./send-options.ts";

/** Options of `weir load` alone. */
export const loadOptions = {
  ...senderOptions,
  url: option({
    name: "url",
    group: "Where",
    secret: true,
    kind: orOff(url("http", "https")),
    default: null,
    description: "the query port of the server, for --check; off is --query-port on this machine",
  }),
  rate: option({
    name: "rate",
    group: "Pace",
    kind: count(0, 10_000_000),
    default: 1000,
    description: "events a second; 0 is as fast as it goes",
  }),
  seconds: option({
    name: "seconds",
    group: "Pace",
    kind: count(1, 1_000_000),
    default: 10,
    description: "how long to send",
  }),
  events: option({
    name: "events",
    group: "Pace",
    kind: orOff(count(1, 1_000_000_000)),
    default: null,
    description: "end after so many events instead",
  }),
  shape: option<"shop" | "sensors">({
    name: "shape",
    group: "Pace",
    kind: choice("shop", "sensors"),
    default: "shop",
    description: "what the events are of: a web shop's visitors, or sensors that measure",
  }),
  users: option({
    name: "users",
    group: "Pace",
    kind: count(1, 10_000_000),
    default: 10_000,
    description: "how many visitors or sensors there are",
  }),
  repeatPercent: option({
    name: "repeat",
    group: "Pace",
    kind: count(0, 90),
    default: 0,
    description: "percent of the events that are sent a second time",
  }),
  latePercent: option({
    name: "late",
    group: "Pace",
    kind: count(0, 100),
    default: 0,
    description: "percent of the events that come late",
  }),
  lateByMs: option({
    name: "late-by",
    group: "Pace",
    kind: duration(1000, 365 * 86_400_000),
    default: 3_600_000,
    description: "how late these are at most",
  }),
  seed: option({
    name: "seed",
    group: "Pace",
    kind: orOff(count(0, 4_294_967_295)),
    default: null,
    description: "makes the same visitors do the same again; off draws one, and prints it",
  }),
  check: option({
    name: "check",
    group: "Where",
    kind: { ...choice("no", "yes"), alone: "yes" },
    default: "no",
    description: "makes two rules for these events alone and compares their windows with its own count",
  }),
} as const;

type ValueOf<O> = O extends Option<infer T> ? T : never;
export type LoadOptions = { readonly [K in keyof typeof loadOptions]: ValueOf<(typeof loadOptions)[K]> };
