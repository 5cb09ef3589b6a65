import type { Client } from "../../src/live/client.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import { answering } from "../../src/rulebook/versions.ts";
import type { WindowRow } from "../../src/store/store.ts";
import type { World } from "./world.ts";

interface Push {
  readonly rule_id: string;
  readonly data?: readonly (readonly (string | number | null)[])[];
  readonly truncated?: true;
}

/** What a client knows of one rule, from the moment at which it has asked. */
export interface View {
  /** By row key the value. */
  readonly rows: Map<string, number>;
  /** What the store had when it asked: of this it need not hear. */
  readonly before: ReadonlyMap<string, number>;
  /** The version that was asked for. */
  readonly version: string;
  truncated: boolean;
}

/** A client that watches rules, comes again when the line has ended, and now and then does not read for a while. */
export class Watcher implements Client {
  readonly views = new Map<string, View>();
  readonly #world: World;
  #connection: LiveConnection | undefined;
  #isSlow = false;

  constructor(world: World) {
    this.#world = world;
    world.onEnd.add(() => this.#lineEnded());
  }

  send(text: string): void {
    const { rule_id, data, truncated }: Push = JSON.parse(text);
    this.#world.trace.note(`pushes ${text}`);
    const view = this.views.get(rule_id);
    if (view === undefined || data === undefined) return;
    view.truncated ||= truncated === true;
    for (const row of data) {
      const values = row.at(-1) === "overflow" ? ["overflow", row[0], row.at(-2)] : row;
      view.rows.set(JSON.stringify(values.slice(0, -1)), Number(values.at(-1)));
    }
  }

  bufferedBytes(): number {
    return this.#isSlow ? 1e6 : 0;
  }

  close(): void {
    this.#lineEnded();
  }

  async run(): Promise<void> {
    const { scheduler, random, plan } = this.#world;
    for (let left = 6; left > 0; left--) {
      this.look();
      await scheduler.sleep(random.int(plan.activeMs / 2));
      this.#isSlow = random.chance(0.3);
      if (random.chance(0.3)) this.#lineEnded();
    }
    this.#isSlow = false;
  }

  /** Connects when it is not connected, and asks for every rule that it does not watch yet. */
  look(): void {
    const { server } = this.#world;
    if (server === undefined) return;
    this.#connection ??= server.hub.connect(this);
    for (const record of server.book.list()) {
      const { version } = answering(record);
      if (this.views.has(record.rule_id)) continue;
      const view = {
        rows: new Map(),
        before: this.#rowsOf(record.rule_id),
        version: versionKey(version),
        truncated: false,
      };
      this.views.set(record.rule_id, view);
      const interval_ms = this.#world.random.pick([200, 1000, 5000]);
      this.#world.trace.note(`somebody watches ${record.rule_id}`);
      this.#connection.receive(JSON.stringify({ subscribe_rules: [record.rule_id], interval_ms }));
    }
  }

  #rowsOf(ruleId: string): Map<string, number> {
    const { server, windows } = this.#world;
    const { rule, version } = answering(server!.book.get(ruleId));
    const all = {
      series: version.series,
      rule,
      from: 0,
      to: Infinity,
      filters: [],
      order: "newest",
      limit: 1e6,
    } as const;
    return rowMap(windows.read(all), rule.groupBy.length);
  }

  #lineEnded(): void {
    this.#connection?.closed();
    this.#connection = undefined;
    this.views.clear();
  }
}

export const versionKey = ({ series, version }: { series: number; version: number }): string => `${series} ${version}`;

/** Rows by the key under which a client has them. */
export function rowMap(rows: readonly WindowRow[], keys: number): Map<string, number> {
  return new Map(
    rows.map(({ windowStart, group, value }) => {
      const start = new Date(windowStart).toISOString().replace(".000", "");
      const names = group.length < keys ? ["overflow", start] : [start, ...group];
      return [JSON.stringify(names), Number(value)];
    }),
  );
}
