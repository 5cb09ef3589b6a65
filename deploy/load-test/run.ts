import { randomBytes } from "node:crypto";
import { Weir } from "../../client/src/weir.ts";
import type { Rule } from "../../client/src/weir.ts";
import { compare } from "./compare.ts";
import { milliseconds } from "./durations.ts";
import { loadEvent } from "./events.ts";
import type { LoadEvent, Run } from "./events.ts";
import { printCheck, printVerdict } from "./report.ts";
import type { Check } from "./report.ts";
import { loadRules } from "./rules.ts";
import { sendHttp } from "./send-http.ts";
import type { Sent } from "./send-http.ts";
import { sendKafka } from "./send-kafka.ts";
import type { Settings } from "./settings.ts";
import { untilCounted, untilOk, untilPushed } from "./wait.ts";

/** Does it all and prints a line for each step. 0: all is as it must be; 1: not. */
export async function runLoadTest(settings: Settings, print: (line: string) => void): Promise<0 | 1> {
  const test = new LoadTest(settings, print);
  try {
    await test.run();
  } catch (error) {
    test.note({ ok: false, name: "run", figures: error instanceof Error ? error.message : String(error) });
  } finally {
    await test.end();
  }
  print(printVerdict(test.checks));
  return test.checks.every(({ ok }) => ok) ? 0 : 1;
}

class LoadTest {
  readonly checks: Check[] = [];
  readonly #settings: Settings;
  readonly #print: (line: string) => void;
  readonly #weir: Weir;
  readonly #run: Run = { id: `load-${randomBytes(4).toString("hex")}`, endMs: Date.now() };
  readonly #madeRules: string[] = [];

  constructor(settings: Settings, print: (line: string) => void) {
    this.#settings = settings;
    this.#print = print;
    this.#weir = new Weir(settings);
  }

  async run(): Promise<void> {
    const { events, brokers, stallMs } = this.#settings;
    await this.#health();
    const rules = loadRules(this.#run);
    await this.#makeRules(rules.map(({ rule }) => rule));
    const [overHttp, overKafka] = await this.#send();
    const total = events * (brokers.length > 0 ? 2 : 1);
    const counted = await untilCounted(this.#weir, this.#run, rules[0]!, { events: total, stallMs });
    const acknowledgedMs = (overHttp.seconds + (overKafka?.seconds ?? 0)) * 1000;
    this.note({
      ok: counted.events === total,
      name: "counted",
      figures:
        `${number(counted.events)} of ${number(total)} events, ${milliseconds(counted.ms)} after the last was sent: ` +
        `${number((total / (acknowledgedMs + counted.ms)) * 1000)} events/s from the first to there`,
    });
    await this.#compare(rules, total);
    await untilPushed(this.#weir, this.#run, rules[0]!, { events: total, withinMs: stallMs }).then(
      () => this.note({ ok: true, name: "live socket", figures: "has what /stats has" }),
      (error: Error) => this.note({ ok: false, name: "live socket", figures: error.message }),
    );
  }

  note(check: Check): void {
    this.checks.push(check);
    this.#print(printCheck(check));
  }

  /** Leaves nothing behind but the events. */
  async end(): Promise<void> {
    this.#weir.close();
    for (const id of this.#madeRules)
      await this.#weir.rules
        .delete(id)
        .catch((error: Error) => this.note({ ok: false, name: `delete ${id}`, figures: error.message }));
  }

  async #health(): Promise<void> {
    const { ingestUrl, queryUrl, readyMs } = this.#settings;
    for (const [name, url] of Object.entries({ ingest: ingestUrl, query: queryUrl })) {
      const startedAt = performance.now();
      for (const path of ["/health", "/ready"]) await untilOk(`${url}${path}`, readyMs);
      const waited = performance.now() - startedAt;
      this.note({ ok: true, name: `${name} is ready`, figures: `${url}, ${milliseconds(waited)}` });
    }
  }

  async #makeRules(rules: readonly Rule[]): Promise<void> {
    const startedAt = performance.now();
    for (const rule of rules) {
      await this.#weir.rules.put(rule, { ifNew: true });
      this.#madeRules.push(rule.rule_id);
    }
    const figures = `${rules.length} in ${milliseconds(performance.now() - startedAt)}, ${this.#run.id}-…`;
    this.note({ ok: true, name: "rules are made", figures });
  }

  async #send(): Promise<[Sent, Sent | undefined]> {
    const overHttp = await sendHttp(this.#weir, this.#run, this.#settings);
    this.#noteSent("sent over HTTP", overHttp, "requests");
    if (this.#settings.brokers.length === 0) return [overHttp, undefined];
    const overKafka = await sendKafka(this.#run, this.#settings);
    this.#noteSent("sent over Kafka", overKafka, "sends");
    return [overHttp, overKafka];
  }

  #noteSent(name: string, { events, repeated, seconds, requests }: Sent, what: string): void {
    const figures =
      `${number(events)} events in ${seconds.toFixed(1)} s: ${number(events / seconds)} events/s; ` +
      `${number(requests.count)} ${what}, ${requests.summary()}; ${number(repeated)} events again`;
    this.note({ ok: true, name, figures });
  }

  async #compare(rules: ReturnType<typeof loadRules>, total: number): Promise<void> {
    for (const { rule, windows, differences } of await compare(this.#weir, this.#run, rules, this.#events())) {
      const ok = differences.length === 0;
      const verdict = ok ? "all right" : `${number(differences.length)} wrong`;
      const figures = `${number(windows)} windows of ${number(total)} events, ${verdict}`;
      this.note({ ok, name: rule.slice(this.#run.id.length + 1), figures, differences });
    }
  }

  *#events(): Generator<LoadEvent> {
    const { events, brokers } = this.#settings;
    for (let index = 0; index < events; index++) yield loadEvent(this.#run, "http", index);
    if (brokers.length > 0) for (let index = 0; index < events; index++) yield loadEvent(this.#run, "kafka", index);
  }
}

const number = (value: number): string => Math.round(value).toLocaleString("en");
