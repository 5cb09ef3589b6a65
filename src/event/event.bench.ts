import { bench, run, summary } from "mitata";
import { checkEvent, checkEventText } from "./check.ts";
import { PackedWriter } from "./packed.ts";
import { EventScanner } from "./scanner.ts";
import { behindValue } from "./slice.ts";
import { parameterCheck } from "../protocol/query.ts";
import { EventSchema } from "../protocol/event.ts";

/* What 1,000 events of about 190 bytes cost: the fast way, the thorough way, and what bounds them. `node src/event/event.bench.ts` */
const count = 1000;
const countries = ["DE", "FR", "US", "BR", "JP"];
const types = ["click", "view", "purchase", "login", "logout"];
const events = Array.from({ length: count }, (_, index) => ({
  event_id: `0190a6c4-7f3e-7c1a-9b52-${String(index * 7919).padStart(12, "0")}`,
  user_id: `user_${(index * 37) % 20_000}`,
  event_type: types[index % 5],
  timestamp: new Date(1_768_298_400_000 + index * 37).toISOString(),
  payload: { product_id: index % 500, price: (index % 10_000) / 100, country: countries[index % 5] },
}));
const body = Buffer.from(JSON.stringify(events));
const rules = { timestampMax: 4_000_000_000_000 };
const fastWriter = new PackedWriter();
const scanner = new EventScanner(fastWriter);
const output = { writer: new PackedWriter(1) };

/** Calls `take` for the place of each event; it answers the place behind. */
function eachEvent(take: (at: number) => number): void {
  for (let at = 1; at < body.length;) at = take(at) + 1;
}

summary(() => {
  bench("fast way: check and pack", () => {
    fastWriter.restart(body.length + 1024, 1 << 20);
    scanner.use(body, rules);
    eachEvent((at) => scanner.scan(at));
  });
  bench("thorough way: cut, parse, check, pack", () => {
    output.writer = new PackedWriter(body.length + 1024);
    eachEvent((at) => {
      const end = behindValue(body, at);
      const checked = checkEventText(body.toString("utf8", at, end), rules);
      if (checked.ok) output.writer.add(checked.event);
      return end;
    });
  });
  bench("for comparison: JSON.parse alone", () => JSON.parse(body.toString()) as unknown);
  bench("for comparison: JSON.parse and the check of the thorough way", () =>
    (JSON.parse(body.toString()) as unknown[]).every((event) => checkEvent(event, rules, () => event).ok));
  const schema = parameterCheck(EventSchema);
  bench("for comparison: JSON.parse and the schema, compiled", () =>
    (JSON.parse(body.toString()) as Record<string, unknown>[]).every((event) => schema(event).ok));
});

await run();
