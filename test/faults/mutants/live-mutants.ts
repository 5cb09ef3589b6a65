import { mix, type Random, seeded } from "../../support/random.ts";
import { clientFrame, RawWebSocket } from "../../support/raw-web-socket.ts";
import { mutated, mutatedBytes, odd } from "./mutate.ts";

/** What a client of the live feed sends. */
interface LiveMutant {
  readonly bytes: Buffer;
  /** Its frames are whole: it must be answered, or the socket be closed. */
  readonly isFramed: boolean;
}

const messages = [
  { subscribe_rules: ["count_by_type", "users"] },
  { subscribe_rules: ["largest"], mode: "plain", interval_ms: 100 },
  { unsubscribe_rules: ["count_by_type"] },
  { subscribe_rules: ["users"], mode: "delta", interval_ms: 50, from: "2026-01-13T10:00:00Z" },
  { subscribe_rules: ["largest"], mode: "delta", resume: { largest: { epoch: "a.1.0", seq: 7 } } },
  { subscribe_rules: ["smallest"], unsubscribe_rules: ["users"] },
];

function liveMutant(random: Random): LiveMutant {
  const text = JSON.stringify(random.pick(messages));
  const kind = random.int(10);
  if (kind < 6) return framed(1, mutated(text, random));
  if (kind < 7) return { bytes: Buffer.concat(pieces(mutated(text, random), random)), isFramed: true };
  if (kind < 8)
    return framed(random.pick([0, 2, 3, 8, 9, 10, 11]), random.chance(0.5) ? text : odd(random).slice(0, 20_000));
  return { bytes: mutatedBytes(clientFrame(1, Buffer.from(text)), random), isFramed: false };
}

const framed = (opcode: number, text: string): LiveMutant => ({
  bytes: clientFrame(opcode, Buffer.from(text, "latin1")),
  isFramed: true,
});

/** One message in several frames, with a ping between them. */
function pieces(text: string, random: Random): Buffer[] {
  const count = 1 + random.int(20);
  const size = Math.ceil(text.length / count) || 1;
  return Array.from({ length: count }, (_, index) => {
    const piece = Buffer.from(text.slice(index * size, (index + 1) * size), "latin1");
    const frame = clientFrame(index === 0 ? 1 : 0, piece, index === count - 1);
    return index === 1 ? Buffer.concat([clientFrame(9, Buffer.from("?")), frame]) : frame;
  });
}

/** Why the server may close: what the protocol of WebSockets says, and that there were too many messages. */
const closeCodes = new Set([1002, 1003, 1007, 1008, 1009, 4029]);

/** Connections on which one mutant after the other is sent, while the server lets them. */
export class LivePlayer {
  readonly #url: string;
  readonly #seed: number;
  #socket: RawWebSocket | undefined;

  constructor(queryUrl: string, seed: number) {
    this.#url = `${queryUrl}/live-stats`;
    this.#seed = seed;
  }

  /** Sends the mutant of this number; answers what was wrong. */
  async play(number: number): Promise<string | undefined> {
    const mutant = liveMutant(seeded(mix(this.#seed) ^ mix(number + 1)));
    const socket = (this.#socket ??= await RawWebSocket.open(this.#url));
    const canary = `canary.${number}`;
    socket.send(mutant.bytes);
    socket.send(clientFrame(1, Buffer.from(JSON.stringify({ subscribe_rules: [canary] }))));
    const went = await socket.until(canary, mutant.isFramed ? 60_000 : 100);
    if (went !== "seen") this.close();
    if (went === "seen" || (went === "silent" && !mutant.isFramed)) return undefined;
    const isRight =
      went === "closed" && (!mutant.isFramed || closeCodes.has(socket.closeCode ?? 0) || isClose(mutant.bytes));
    if (isRight) return undefined;
    const sent = JSON.stringify(mutant.bytes.subarray(0, 2000).toString("latin1"));
    return `mutant ${number} (WEIR_SEED=${this.#seed} WEIR_MUTANT=${number}): ${went}, code ${socket.closeCode}\n  ${sent}`;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

/** A client that closes is answered with its own code. */
const isClose = (bytes: Buffer): boolean => (bytes[0]! & 15) === 8;
