import { Turns } from "../../../lib/turns.ts";
import { EngineException } from "./exception.ts";

/**
 * Lets so many run at once; the others wait in order, and more than `waitingMax` are turned away at once by TOO_MANY_SIMULTANEOUS_QUERIES.
 * One lane for each kind of work, so that slow readers never hold up writers.
 */
export const lane = (runningMax: number, waitingMax: number): Turns =>
  new Turns(runningMax, {
    waitingMax,
    refusal: () =>
      new EngineException(
        "TOO_MANY_SIMULTANEOUS_QUERIES",
        `Too many simultaneous queries. Maximum: ${runningMax}, waiting: ${waitingMax}`,
      ),
  });
