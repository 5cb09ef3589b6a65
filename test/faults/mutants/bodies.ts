import type { Random } from "../../support/random.ts";
import type { Form } from "./contract.ts";

/** A good request of one form, before anything is changed. Texts are bytes, one character each. */
export interface GoodBody {
  readonly form: Form;
  readonly type: string;
  readonly text: string;
  /** Of binary mode. */
  readonly attributes?: Readonly<Record<string, string>>;
}

type Event = Readonly<Record<string, unknown>>;

const types: Readonly<Record<Form, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  cloudevent: "application/cloudevents+json",
  cloudevents: "application/cloudevents-batch+json",
  binary: "application/json",
};

const forms: readonly Form[] = ["json", "json", "json", "ndjson", "ndjson", "cloudevent", "cloudevents", "binary"];

/** @param now the newest event time, ms since the epoch. */
export function goodBody(random: Random, now: number): GoodBody {
  const form = random.pick(forms);
  const events = Array.from({ length: form === "cloudevent" || form === "binary" ? 1 : 1 + random.int(4) }, () =>
    eventOf(random, now),
  );
  const isAlone = form === "cloudevent" || (form === "json" && random.chance(0.2));
  const good = { form, type: types[form] };
  if (form === "binary") return { ...good, ...binary(events[0]!) };
  const wired = form === "json" || form === "ndjson" ? events : events.map(envelope);
  const texts = wired.map((event) => written(event, random));
  if (form === "ndjson") return { ...good, text: texts.join("\n") };
  return { ...good, text: isAlone ? texts[0]! : `[${texts.join(random.pick([",", ", ", ",\n"]))}]` };
}

/** Keys in any order, and in one of the ways in which programs write JSON. */
function written(event: Event, random: Random): string {
  const entries = Object.entries(event).toSorted(() => random.next() - 0.5);
  const text = JSON.stringify(Object.fromEntries(entries));
  return Buffer.from(random.chance(0.2) ? text.replaceAll(",", ", ").replaceAll('":', '" : ') : text).toString(
    "latin1",
  );
}

function eventOf(random: Random, now: number): Event {
  const age = random.int(3_600_000);
  return {
    event_id: random.hex(16),
    user_id: random.chance(0.2) ? random.int(1000) : `user_${random.int(1000)}`,
    event_type: random.pick(["view", "click", "größe", "purchase"]),
    timestamp: random.chance(0.3) ? now - age : new Date(now - age).toISOString(),
    ...(random.chance(0.9) ? { payload: payloadOf(random) } : {}),
  };
}

function payloadOf(random: Random): Event {
  const all = {
    price: random.int(10_000) / 100,
    big: random.pick([9007199254740991, -1, 1e15, 0.1]),
    land: random.pick(["DE", "FR", null]),
    tags: ["a", "b", { c: [] }],
    note: random.pick(['say "hi"\n', "\u{1f642} é", "", "\\"]),
    deep: { er: { est: true } },
    empty: {},
  };
  return Object.fromEntries(Object.entries(all).filter(() => random.chance(0.6)));
}

function envelope({ event_id, event_type, user_id, timestamp, payload }: Event): Event {
  return {
    specversion: "1.0",
    id: event_id,
    type: event_type,
    source: "/tests",
    subject: String(user_id),
    time: typeof timestamp === "number" ? new Date(timestamp).toISOString() : timestamp,
    ...(payload === undefined ? {} : { data: payload }),
  };
}

function binary(event: Event): Pick<GoodBody, "text" | "attributes"> {
  const { data, source: _source, ...attributes } = envelope(event);
  const headers = Object.entries(attributes).map(([name, value]) => [name, encodeURIComponent(String(value))]);
  return {
    text: data === undefined ? "" : Buffer.from(JSON.stringify(data)).toString("latin1"),
    attributes: Object.fromEntries(headers),
  };
}
