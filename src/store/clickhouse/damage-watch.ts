import { ClickHouseError } from "@clickhouse/client";
import type { Clock } from "../../lib/clock.ts";
import type { Statement } from "../../rollup/statement.ts";
import { messageOf, WeirError } from "../../lib/errors.ts";
import type { Connection } from "./connection.ts";
import { type Damage, StoreDamaged, type Whereabouts, damaged, whatIs } from "./damage.ts";
import { unavailable } from "./failure.ts";
import { selectSetAside, type SetAside, whereaboutsOf } from "./set-aside.ts";

export interface DamageWatchOptions {
  /** Told of each damaged part once, when it is met first by a name, and when the store has it no more. */
  readonly log: (level: "info" | "warn" | "error", message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface Watched {
  readonly connection: Pick<Connection, "rows" | "facts">;
  readonly clock: Clock;
  /** How often the engine was started anew: it may have set something aside then. */
  readonly restarts: () => number;
}

interface Judged {
  readonly damage: Damage;
  readonly whereabouts: Whereabouts;
  readonly written: number;
}

const lookEveryMs = 60_000;
/** There may be as many as a bad disk has spoilt: so many names are enough to begin with. */
const toldMax = 3;
const whatToDo = "docs/operating.md says what to do";

/** Which parts of the store are damaged: statements have failed of them, or the engine has set them aside; and they are still there. */
export class DamageWatch {
  readonly #log: DamageWatchOptions["log"];
  /** What statements have failed of. */
  readonly #unreadable = new Map<string, Damage>();
  /** What the engine has set aside, by its folder. What is elsewhere stays so, else missing: later deletions and merges would say something else. */
  readonly #setAside = new Map<string, Judged>();
  #watched: Watched | undefined;
  #looking: Promise<void> | undefined;
  /** After how many restarts it was looked last. */
  #lookedAfter: number | undefined;
  #isDenied = false;
  #onMended: () => void = () => {};

  constructor({ log }: DamageWatchOptions) {
    this.#log = log;
  }

  /** Takes what any statement has failed with. */
  readonly failed = (error: WeirError): void => {
    if (!(error instanceof StoreDamaged) || error.damage.part === undefined) return;
    const { damage } = error;
    const key = JSON.stringify([damage.table, lasting(error.damage.part)]);
    if (this.#unreadable.get(key)?.part === damage.part) return;
    this.#unreadable.set(key, damage);
    this.#log("error", `${whatIs(damage)}; ${whatToDo}`, { ...damage });
  };

  /** For people; undefined: nothing is known to be damaged. */
  describe(): string | undefined {
    return told(this.#known());
  }

  /** For people: what may be missing, where that can't be told; undefined: nothing. */
  doubts(): string | undefined {
    return told(this.#areSetAside("unknown"));
  }

  /** How many parts are known to be damaged. */
  get count(): number {
    return this.#known().length;
  }

  /** Calls `listener` whenever nothing is damaged any more, as far as is known. */
  onMended(listener: () => void): void {
    this.#onMended = listener;
  }

  #known(): readonly Damage[] {
    return [...this.#unreadable.values(), ...this.#areSetAside("missing")];
  }

  #areSetAside(how: Whereabouts): readonly Damage[] {
    return [...this.#setAside.values()].filter((one) => one.whereabouts === how).map(({ damage }) => damage);
  }

  /**
   * @throws WeirError `store_damaged` while stored events are missing that were counted: what is made of the others is not what it is to replace,
   * and an erasure does not find all. `store_unavailable` while that is not known since the engine started.
   */
  readonly mustHaveAll = async (): Promise<void> => {
    if (this.#watched === undefined) throw unavailable(new Error("it is being opened"));
    while (this.#lookedAfter !== this.#watched.restarts()) await this.#look(this.#watched);
    const [lost] = this.#areSetAside("missing");
    if (lost !== undefined) throw damaged(lost, "set aside", { cause: undefined, outcomeUnknown: false });
  };

  /** Resolves when it has looked once, and looks now and then from then on: who runs the server may have mended something. */
  async start(watched: Watched): Promise<() => void> {
    this.#watched = watched;
    // Who needs to know it looks again.
    const look = (): Promise<void> => this.#look(watched).catch(() => {});
    await look();
    return watched.clock.every(lookEveryMs, () => void look());
  }

  #look(watched: Watched): Promise<void> {
    this.#looking ??= this.#lookNow(watched).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookNow({ connection, restarts }: Watched): Promise<void> {
    const [after, wasDamaged] = [restarts(), this.count > 0];
    try {
      await this.#lookForSetAside(connection);
    } catch (error) {
      if (!isDenied(error)) throw error;
      this.#denied(error);
    }
    for (const [key, damage] of this.#unreadable)
      if (!(await isThere(connection, damage))) this.#gone(this.#unreadable, key, damage);
    this.#lookedAfter = after;
    if (wasDamaged && this.count === 0) this.#onMended();
  }

  async #lookForSetAside(connection: Watched["connection"]): Promise<void> {
    const found = await connection.rows<SetAside>(selectSetAside);
    const asked = askingOnce(connection);
    for (const part of found) await this.#judge(asked, part);
    for (const [path, { damage, whereabouts }] of this.#setAside) {
      if (found.some((part) => part.path === path)) continue;
      if (whereabouts === "elsewhere") this.#setAside.delete(path);
      else this.#gone(this.#setAside, path, damage);
    }
  }

  async #judge(connection: Watched["connection"], part: SetAside): Promise<void> {
    const { name, full_name: table, path, written } = part;
    const last = this.#setAside.get(path);
    // Another of the same name, else.
    const known = last?.written === written ? last : undefined;
    const whereabouts = await this.#whereabouts(connection, part, known?.whereabouts);
    const damage: Damage = { part: name, table, path, setAside: whereabouts };
    this.#setAside.set(path, { damage, whereabouts, written });
    if (whereabouts === known?.whereabouts) return;
    // Not by us: it may be all that is left, if this is wrong.
    if (whereabouts === "elsewhere")
      this.#log("info", `${whatIs(damage)}: it may be deleted, as it has copies of events, erased ones too`, {
        ...damage,
      });
    else this.#log(whereabouts === "missing" ? "error" : "warn", `${whatIs(damage)}; ${whatToDo}`, { ...damage });
  }

  async #whereabouts(
    connection: Watched["connection"],
    part: SetAside,
    known: Whereabouts | undefined,
  ): Promise<Whereabouts> {
    if (known === "elsewhere") return known;
    const now = await whereaboutsOf(connection, part).catch((error: unknown) => {
      if (isDenied(error)) return "unknown" as const;
      throw error;
    });
    return known === "missing" && now === "unknown" ? known : now;
  }

  #gone(known: Map<string, unknown>, key: string, damage: Damage): void {
    known.delete(key);
    this.#log("info", "a damaged part is not in the store any more", { ...damage });
  }

  #denied(error: unknown): void {
    if (!this.#isDenied)
      this.#log("warn", `whether the engine has set parts aside can't be seen: ${messageOf(error)}`, {});
    this.#isDenied = true;
  }
}

/** Whatever is asked of several parts is asked for all of them: the list of all parts may be long. */
function askingOnce(connection: Watched["connection"]): Watched["connection"] {
  const answers = new Map<string, Promise<unknown[]>>();
  return {
    facts: connection.facts,
    rows: <T>(statement: Statement): Promise<T[]> => {
      const key = JSON.stringify(statement);
      const answer = answers.get(key) ?? connection.rows<T>(statement);
      answers.set(key, answer);
      return answer as Promise<T[]>;
    },
  };
}

function told(damages: readonly Damage[]): string | undefined {
  if (damages.length === 0) return undefined;
  const others = damages.length - toldMax;
  return `${damages.slice(0, toldMax).map(whatIs).join("; ")}${others > 0 ? `; and ${others} more` : ""}`;
}

/** ACCESS_DENIED. */
const isDenied = (error: unknown): boolean =>
  error instanceof WeirError && error.cause instanceof ClickHouseError && error.cause.code === "497";

/** What stays of a part's name: each deletion that goes over its table gives it another number, at the end, and leaves its files as they are. */
const lasting = (part: string): string => /^.+?_\d+_\d+_\d+/.exec(part)?.[0] ?? part;

const ourTables = ["raw_events", "rollups", "rejects", "erasing", "claims", "schema_steps"];

/** Asked of the tables themselves, as a user may have no grant for the list of all parts. What can't be told is there. */
async function isThere(connection: Pick<Connection, "rows">, { table, part = "" }: Damage): Promise<boolean> {
  const tables = table === undefined ? ourTables : [table.slice(table.lastIndexOf(".") + 1)];
  for (const one of tables) if (await isIn(connection, one, part)) return true;
  return false;
}

async function isIn(connection: Pick<Connection, "rows">, table: string, part: string): Promise<boolean> {
  const sql =
    "SELECT 1 FROM {table:Identifier} WHERE _part = {part:String} OR startsWith(_part, concat({part:String}, '_')) LIMIT 1";
  return connection.rows({ sql, parameters: { table, part: lasting(part) } }).then(
    (rows) => rows.length > 0,
    () => true,
  );
}
