import { randomUUID } from "node:crypto";
import { offset } from "../event/position.ts";
import type { Src } from "../event/position.ts";
import type { WeirError } from "../lib/errors.ts";
import { untilThere } from "../lib/until-there.ts";
import type { Log } from "../log/log.ts";
import { Announcer } from "../progress/announcer.ts";
import type { AnnouncerParts } from "../progress/announcer.ts";
import type { Channel } from "../progress/channel.ts";
import { Follower } from "../progress/follower.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import type { Store } from "../store/store.ts";
import type { Basis } from "./basis.ts";

/** What the processes of an installation tell each other of counting. */
export interface News {
  readonly channel: Channel;
  readonly follower: Follower;
  /** Names this process among them. */
  readonly process: string;
}

export interface NewsParts {
  readonly log: Log;
  readonly channel: Channel;
  readonly progress: MemoryProgress;
  /** Where to learn what was counted before; undefined: by what is said alone. */
  readonly store?: Pick<Store, "marks">;
}

/**
 * Hears what others count from now on, and knows of each partition how far it was. A log or a store that has gone since it was opened,
 * for the seconds that a dead broker's partitions need for another leader, is waited for again.
 * @throws WeirError `stopping` at the signal.
 */
export async function startNews(basis: Basis, parts: NewsParts, signal?: AbortSignal): Promise<News> {
  const { clock, logger, metrics } = basis;
  const { channel, progress } = parts;
  const process = randomUUID();
  const follower = new Follower({ progress, channel, clock, process, counted: metrics.countedElsewhere });
  const waiting = ({ message }: WeirError, pauseMs: number): void =>
    logger.warn({ pauseMs }, `${message}; trying again`);
  const known = await untilThere(clock, () => countedSoFar(parts), waiting, signal);
  for (const [src, next] of known) progress.expect(src, next);
  follower.start();
  return { channel, follower, process };
}

/** Below which position each partition is counted. */
async function countedSoFar({ log, store }: NewsParts): Promise<readonly (readonly [Src, number])[]> {
  const partitions = [...(await log.ends()).keys()];
  return Promise.all(partitions.map(async (src) => [src, await markedBelow(src, store)] as const));
}

/** The marks of live counting lie end to end, and the newest is kept for ever. */
async function markedBelow(src: Src, store: NewsParts["store"]): Promise<number> {
  const marks = (await store?.marks(0, src, offset(0))) ?? [];
  return marks.reduce((next, { to }) => Math.max(next, to + 1), 0);
}

export type AnnouncedParts = Pick<AnnouncerParts, "progress" | "fills" | "sources" | "rules">;

/** What this process counts is told to all others, until everything has been told. */
export function announced({ clock, closers }: Basis, { channel, process }: News, parts: AnnouncedParts): Announcer {
  const announcer = new Announcer({ ...parts, channel, clock, process });
  closers.add("announcer", () => announcer.close());
  return announcer;
}

/** Why nothing new may be known of counting, for people. */
export function newsTrouble({ channel }: News, progress: MemoryProgress): string | undefined {
  const { sending, hearing } = channel.trouble();
  const trouble = sending ?? hearing;
  if (trouble !== undefined) return trouble;
  const silent = progress.silent();
  if (silent.length === 0) return undefined;
  const seconds = Math.round(progress.silenceMs() / 1000);
  return `nothing has been heard of partition ${silent.join(", ")} for ${seconds} s: is a processor running, and its weir_partitions_broken 0?`;
}

/** Less is what machines of which each asks for the time differ by. */
const clockAheadMaxMs = 2_000;

/** What may make windows final while events of theirs come. */
export function newsRemark(progress: MemoryProgress): string | undefined {
  const aheadMs = progress.clockAheadMs();
  if (aheadMs <= clockAheadMaxMs) return undefined;
  const seconds = (aheadMs / 1000).toFixed(1);
  return `the clock of a processor is ${seconds} s ahead of this machine's: let each machine set its clock (NTP)`;
}
