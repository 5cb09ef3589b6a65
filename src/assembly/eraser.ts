import { randomUUID } from "node:crypto";
import { Eraser } from "../eraser/eraser.ts";
import type { Sharing } from "../eraser/share.ts";
import type { ErasureRegister } from "../erasure/register.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Basis } from "./basis.ts";
import type { Counting } from "./counting.ts";
import type { AnsweringParts } from "./servers.ts";

export interface EraserParts extends Pick<AnsweringParts, "log" | "store" | "rulebook" | "counting" | "archiver"> {
  readonly register: ErasureRegister;
  readonly sharing?: Sharing;
}

const stopMs = 2_000;

/** It goes on with what was begun before the last stop. */
export function startEraser({ clock, logger, closers }: Basis, parts: EraserParts): Eraser {
  const { register, store, log, rulebook, counting, archiver } = parts;
  const eraser = new Eraser({
    ...{ register, store, log, clock, newId: randomUUID },
    windows: {
      rebuild: () => rulebook.rebuild(),
      goOnRebuilding: () => rulebook.goOnRebuilding(),
      rulesLeft: () => rulebook.outdatedCount,
      waitingFor: () => waitingFor(rulebook, counting),
      idle: () => counting.filled(),
      dropOrphans: () => counting.dropOrphans(),
      written: (partition) => counting.written(partition),
    },
    ...(archiver === undefined ? {} : { archive: archiver }),
    ...(parts.sharing === undefined ? {} : { sharing: parts.sharing }),
    report: (message, error) => logger.warn({ err: error, part: "eraser" }, message),
  });
  eraser.start();
  closers.add("eraser", () => eraser.stop(stopMs));
  return eraser;
}

/** The first of the rebuilds that stand still says it for all. */
function waitingFor(rulebook: Rulebook, counting: Pick<Counting, "fill">): string | undefined {
  const rebuilds = rulebook.list().flatMap(({ versions }) => versions.filter(({ rebuilds: old }) => old !== undefined));
  return rebuilds.map(({ series }) => counting.fill(series).waitingFor).find((what) => what !== undefined);
}
