import { randomUUID } from "node:crypto";
import { Eraser } from "../eraser/eraser.ts";
import type { ErasureRegister } from "../erasure/register.ts";
import type { Log } from "../log/log.ts";
import type { Processor } from "../processor/processor.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Store } from "../store/store.ts";
import type { Basis } from "./basis.ts";

export interface EraserParts {
  readonly register: ErasureRegister;
  readonly log: Log;
  readonly store: Store;
  readonly rulebook: Rulebook;
  readonly processor: Processor;
}

const stopMs = 2_000;

/** It goes on with what was begun before the last stop. */
export function startEraser({ clock, logger, closers }: Basis, parts: EraserParts): Eraser {
  const { register, store, log, rulebook, processor } = parts;
  const eraser = new Eraser({
    ...{ register, store, log, clock, newId: randomUUID },
    windows: {
      rebuild: () => rulebook.rebuild(),
      goOnRebuilding: () => rulebook.goOnRebuilding(),
      dropOrphans: () => processor.dropOrphans(),
      written: (partition) => processor.written(partition),
    },
    report: (message, error) => logger.warn({ err: error, part: "eraser" }, message),
  });
  eraser.start();
  closers.add("eraser", () => eraser.stop(stopMs));
  return eraser;
}
