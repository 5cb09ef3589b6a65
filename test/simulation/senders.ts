import { WeirError } from "../../src/lib/errors.ts";
import { type Ledger, type Outcome, type WireEvent } from "../faults/ledger.ts";
import { oddTime, refusedFindings, sentForm, takenFindings } from "./odd-times.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

const patienceMs = 4_000;
const countries = ["DE", "FR", "IT", null];
const types = ["click", "view", "buy"];

/** Numbers the events of a world: no two have the same id, or the same time. */
export class Events {
  #count = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Mostly of now, some a little or a month old; in a long day some at odd times. */
  next(): WireEvent {
    const { random, scheduler, plan } = this.#world;
    const index = this.#count++;
    const age = random.chance(0.7)
      ? random.int(30_000)
      : random.chance(0.7)
        ? random.int(600_000)
        : 86_400_000 * random.int(60);
    const at = Math.floor((scheduler.now - age) / 1000) * 1000;
    const isOdd = plan.oddTimes > 0 && random.chance(plan.oddTimes);
    const payload = { ...(random.chance(0.9) ? { n: random.int(40) / 4 } : {}), country: random.pick(countries) };
    return {
      event_id: `e${index}`,
      user_id: `u${random.int(6)}`,
      event_type: random.pick(types),
      timestamp: isOdd ? oddTime(random, scheduler.now, index) : new Date(at + (index % 1000)).toISOString(),
      payload,
    };
  }
}

/** A client that sends events, and tries again or not when it does not know. Writes everything down in the ledger. */
export class Sender {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #events: Events;
  readonly #sent: WireEvent[] = [];

  constructor(world: World, ledger: Ledger, events: Events) {
    this.#world = world;
    this.#ledger = ledger;
    this.#events = events;
  }

  async run(): Promise<void> {
    const { plan, random, scheduler } = this.#world;
    const gapMs = (2 * plan.activeMs) / (plan.eventsPerSender / 3);
    for (let left = plan.eventsPerSender; left > 0;) {
      const batch = Array.from({ length: Math.min(left, 1 + random.int(6)) }, () => this.#events.next());
      left -= batch.length;
      const repeats = random.chance(0.3) ? Array.from({ length: random.int(3) }, () => this.#earlier()) : [];
      await this.#send([...batch, ...repeats.filter((event) => event !== undefined)]);
      this.#sent.push(...batch);
      await scheduler.sleep(random.int(gapMs));
    }
  }

  /** Some requests, one soon after the other. */
  async burst(requests: number): Promise<void> {
    const { random, scheduler } = this.#world;
    for (let left = requests; left > 0; left--) {
      await this.#send([this.#events.next()]);
      await scheduler.sleep(random.int(500));
    }
  }

  #earlier(): WireEvent | undefined {
    return this.#sent.length === 0 ? undefined : this.#world.random.pick(this.#sent);
  }

  /** Until it is acknowledged, or the client has had enough. */
  async #send(batch: readonly WireEvent[]): Promise<void> {
    const { random, scheduler } = this.#world;
    for (let attempt = 0; ; attempt++) {
      this.#ledger.sent(batch);
      const outcome = await this.#post(batch);
      this.#ledger.settled(batch, outcome);
      if (outcome === "acknowledged" || random.chance(0.15) || attempt > 5) return;
      await scheduler.sleep(random.int(1500));
    }
  }

  /** One request on a line that loses, delays and breaks. */
  #post(batch: readonly WireEvent[]): Promise<Outcome> {
    const { random, scheduler, plan } = this.#world;
    for (const strike of this.#world.atNextRequest.splice(0)) strike();
    return new Promise((resolve) => {
      scheduler.after(patienceMs, () => resolve("unknown"));
      if (random.chance(plan.lineLoses)) return;
      scheduler.after(random.chance(0.05) ? random.int(6_000) : 0.1 + random.next() * 3, () => {
        const { server } = this.#world;
        if (server === undefined) return resolve("refused");
        this.#world.onEnd.add(broken);
        void this.#accept(server, batch).then((outcome) => {
          this.#world.onEnd.delete(broken);
          if (!random.chance(plan.lineLoses)) scheduler.after(0.1 + random.next() * 3, () => resolve(outcome));
        });
      });
      const broken = (): void => {
        this.#world.onEnd.delete(broken);
        resolve("unknown");
      };
    });
  }

  async #accept({ ingest }: Server, batch: readonly WireEvent[]): Promise<Outcome> {
    const { findings, wall, trace } = this.#world;
    const body = Buffer.from(JSON.stringify(batch.map(sentForm)));
    const wait = this.#world.random.chance(0.2) ? "counted" : "durable";
    const now = wall.read();
    try {
      ingest.admit().release();
      const { token } = await ingest.accept(body, "json", { partial: false, wait });
      findings.push(...takenFindings(batch, now));
      trace.note(`acknowledges ${token}`);
      if (wait === "counted") this.#mustBeStored(batch);
      return "acknowledged";
    } catch (error) {
      if (!(error instanceof WeirError)) findings.push(`ingest threw ${String(error)}`);
      else if (error.code === "invalid_events") findings.push(...refusedFindings(batch, now, error));
      // One that is durable and not counted in time is not refused.
      const isKept = error instanceof WeirError && (error.outcomeUnknown || error.code === "timeout");
      return isKept ? "unknown" : "refused";
    }
  }

  #mustBeStored(batch: readonly WireEvent[]): void {
    const stored = new Set(this.#world.tables.raw.map((row) => row.event_id));
    for (const { event_id: id } of batch)
      if (!stored.has(id)) this.#world.findings.push(`${id} was said to be counted, and is not stored`);
  }
}
