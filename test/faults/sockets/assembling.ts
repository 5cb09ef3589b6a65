import { Assembler, type ExactMessage } from "../../support/assembler.ts";

const tickRow = /"event_type":"tick","value":(\d+)/;
const parsedMax = 8;
/** Of the last texts, which most sockets of the process get the same, so that thousands of them cost little. */
const parsed = new Map<string, ExactMessage>();

/** What a socket of the mode `delta` has, put together as the protocol says. */
export class Assembling {
  readonly #assembler = new Assembler();
  readonly #rules: readonly string[];
  /** The first breach of the protocol, if there was one. */
  mistake = "";

  constructor(rules: readonly string[]) {
    this.#rules = rules;
    for (const rule of rules) this.#assembler.subscribe(rule);
  }

  /** @returns the digits of the ticks' value, if the message has it. */
  take(text: string): string | undefined {
    try {
      this.#assembler.take(parse(text));
    } catch (error) {
      this.mistake ||= String(error);
    }
    return tickRow.exec(text)?.[1];
  }

  /** The rows of each rule as JSON, or what was wrong. */
  get outcome(): string {
    return this.mistake || JSON.stringify(this.#rules.map((rule) => this.#assembler.rows(rule)));
  }
}

function parse(text: string): ExactMessage {
  const message = parsed.get(text) ?? (JSON.parse(text) as ExactMessage);
  parsed.set(text, message);
  for (const oldest of parsed.keys()) {
    if (parsed.size <= parsedMax) break;
    parsed.delete(oldest);
  }
  return message;
}
