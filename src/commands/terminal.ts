/** What a command writes to, and what it may do there. */
export interface Terminal {
  /** Somebody reads it: tables and colours, where `json` is not asked for. */
  readonly isTty: boolean;
  readonly hasColours: boolean;
  readonly json: boolean;
  /** Of the screen, as it is now. */
  readonly columns: () => number;
  readonly lines: () => number;
  readonly write: (text: string) => void;
  /** Resolves when what was written has been taken, or nobody takes it any more. */
  readonly taken: () => Promise<void>;
}

type Colour = "dim" | "bold" | "green" | "yellow" | "red";
const codes: Readonly<Record<Colour, string>> = { dim: "2", bold: "1", green: "32", yellow: "33", red: "31" };

export const painted = ({ hasColours }: Pick<Terminal, "hasColours">, colour: Colour, text: string): string =>
  hasColours && text !== "" ? `\u001B[${codes[colour]}m${text}\u001B[0m` : text;

/** A line of JSON. */
export const sayJson = (terminal: Terminal, value: unknown): void => terminal.write(`${JSON.stringify(value)}\n`);

export const say = (terminal: Terminal, text: string): void => terminal.write(`${text}\n`);
