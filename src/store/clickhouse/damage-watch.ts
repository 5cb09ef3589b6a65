import { ClickHouseError } from "@clickhouse/client";
import type { Clock } from "../../lib/clock.ts";
import type { WeirError } from "../../lib/errors.ts";
import type { Connection } from "./connection.ts";
import { type Damage, damageIn, damaged, whatIs } from "./damage.ts";
import { lostParts } from "./set-aside.ts";

export interface DamageWatchOptions {
  /** Told of each damaged part once, when it is met first by a name, and when the store has it no more. */
  readonly log: (level: "info" | "error", message: string, facts: Readonly<Record<string, unknown>>) => void;
}

const lookEveryMs = 60_000;
/** There may be as many as a bad disk has spoilt: so many names are enough to begin with. */
const toldMax = 3;

/** Which parts of the store have been found damaged, by statements that have failed of them, and are still there. */
export class DamageWatch {
  readonly #log: DamageWatchOptions["log"];
  readonly #known = new Map<string, Damage>();

  constructor({ log }: DamageWatchOptions) {
    this.#log = log;
  }

  /** Takes what any statement has failed with. */
  readonly failed = ({ code, cause }: WeirError): void => {
    const damage = code === "store_damaged" && cause instanceof ClickHouseError ? damageIn(cause) : undefined;
    if (damage !== undefined) this.#note(damage);
  };

  #note(damage: Damage): void {
    if (damage.part === undefined) return;
    const key = JSON.stringify([damage.table, lasting(damage.part), damage.isSetAside]);
    if (this.#known.get(key)?.part === damage.part) return;
    this.#known.set(key, damage);
    this.#log("error", `${whatIs(damage)}; docs/operating.md says what to do`, { ...damage });
  }

  /** For people; undefined: nothing is known to be damaged. */
  describe(): string | undefined {
    if (this.#known.size === 0) return undefined;
    const told = [...this.#known.values()].slice(0, toldMax).map(whatIs);
    const others = this.#known.size - told.length;
    return `${told.join("; ")}${others > 0 ? `; and ${others} more` : ""}`;
  }

  /**
   * @throws WeirError `store_damaged` while stored events are missing that were counted: what is made of the others is not what it is to replace,
   * and an erasure does not find all.
   */
  readonly mustHaveAll = (): void => {
    const lost = this.#known.values().find(({ isSetAside }) => isSetAside);
    if (lost !== undefined) throw damaged(lost, "set aside", { cause: undefined, outcomeUnknown: false });
  };

  /** Resolves when it has looked once, and looks now and then from then on: who runs the server may have mended something. */
  async start(connection: Pick<Connection, "rows">, clock: Clock): Promise<() => void> {
    const look = (): Promise<void> => this.#look(connection).catch(() => {});
    await look();
    return clock.every(lookEveryMs, () => void look());
  }

  async #look(connection: Pick<Connection, "rows">): Promise<void> {
    const lost = await lostParts(connection).catch(() => undefined);
    for (const damage of lost ?? []) this.#note(damage);
    for (const [key, damage] of this.#known) {
      const isLost = lost?.some(({ part }) => part === damage.part) ?? true;
      if (damage.isSetAside ? isLost : await isThere(connection, damage)) continue;
      this.#known.delete(key);
      this.#log("info", "a damaged part is not in the store any more", { ...damage });
    }
  }
}

/** What stays of a part's name: each deletion that goes over its table gives it another number, at the end, and leaves its files as they are. */
const lasting = (part: string): string => /^.+?_\d+_\d+_\d+/.exec(part)?.[0] ?? part;

/** Asked of the table itself, as a user may have no grant for the list of all parts. What can't be told is there. */
async function isThere(connection: Pick<Connection, "rows">, { table, part = "" }: Damage): Promise<boolean> {
  if (table === undefined) return true;
  const sql =
    "SELECT 1 FROM {table:Identifier} WHERE _part = {part:String} OR startsWith(_part, concat({part:String}, '_')) LIMIT 1";
  const parameters = { table: table.slice(table.lastIndexOf(".") + 1), part: lasting(part) };
  return connection.rows({ sql, parameters }).then(
    (rows) => rows.length > 0,
    () => true,
  );
}
