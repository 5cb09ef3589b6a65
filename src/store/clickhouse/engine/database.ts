import { Session } from "chdb";
import { quoteIdentifier, quoteString, setParameters, setSettings } from "./escape.ts";
import { pinned } from "./settings.ts";

export interface RunOptions {
  /** Names this run among the engine's processes, so that it can be cancelled; unique among those that run. */
  readonly label: string;
  readonly database: string | null;
  readonly settings: ReadonlyMap<string, string>;
  /** Values as the text of a parameter (see `escapeValue`). */
  readonly parameters: ReadonlyMap<string, string>;
  readonly format: string;
  readonly readonly: boolean;
}

export interface RunResult {
  readonly bytes: Uint8Array;
  readonly elapsedSeconds: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
}

/**
 * The engine in this process. Each run gets a session of its own and closes it (0.3 ms together): so no parameter,
 * setting or current database can leak from one request into another, and a failed query leaves the list of processes.
 */
export class Database {
  readonly #path: string;
  readonly #arguments: readonly string[];
  /** Keeps the engine open between requests. */
  readonly #keeper: Session;

  /** Opens the folder, and makes it when there is none. Throws when another process has it. */
  constructor(path: string, configFile: string) {
    this.#path = path;
    const settings = Object.entries(pinned).map(([name, value]) => `--${name}=${value}`);
    this.#arguments = [...settings, `--config-file=${configFile}`];
    this.#keeper = this.#open();
  }

  /** Runs one statement. Rejects with the engine's error, whose message starts with `Code: N.` */
  async run(statement: string, options: RunOptions): Promise<RunResult> {
    const session = this.#open();
    try {
      const result = await session.queryAsync(preamble(options) + statement, { format: options.format });
      const { elapsed, rowsRead, bytesRead } = result;
      return { bytes: result.bytes(), elapsedSeconds: elapsed, rowsRead, bytesRead };
    } finally {
      session.close();
    }
  }

  /** Asks the engine to cancel the run of this label; does nothing when there is none. Resolves before it has ended. */
  async cancel(label: string): Promise<void> {
    const session = this.#open();
    try {
      await session.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quoteString(label)} ASYNC`);
    } finally {
      session.close();
    }
  }

  /** Nothing may run any more. */
  close(): void {
    this.#keeper.close();
  }

  #open(): Session {
    return new Session(this.#path, { connectionArgs: this.#arguments });
  }
}

/** Read-only comes last: behind it no setting can be changed. */
function preamble(options: RunOptions): string {
  const use = options.database === null ? "" : `USE ${quoteIdentifier(options.database)}; `;
  const settings = new Map([...options.settings, ["log_comment", options.label]]);
  const readonly = options.readonly ? "SET readonly = 1; " : "";
  return use + setParameters(options.parameters) + setSettings(settings) + readonly;
}
