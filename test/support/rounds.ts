import fc from "fast-check";

/** Rounds that are played beside each other: most of a round is waiting for the engine. */
const lanes = 4;

/** From the environment to repeat a failure, else new for every run. */
export const roundSeed = Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff);
const path = process.env["WEIR_PATH"];

/**
 * Checks so many random cases; `WEIR_ROUNDS` says another number. A failure names its seed and path: with both in
 * `WEIR_SEED` and `WEIR_PATH` that one case is played again and made as small as it can be, to be kept as a named case.
 */
export async function playRounds<Case>(
  cases: fc.Arbitrary<Case>,
  usual: number,
  check: (one: Case) => Promise<void>,
): Promise<void> {
  if (path !== undefined)
    return fc.assert(fc.asyncProperty(cases, check), { seed: roundSeed, path, numRuns: 1, endOnFailure: false });
  const rounds = Number(process.env["WEIR_ROUNDS"] ?? usual);
  let failed = false;
  const unlessFailed = async (one: Case): Promise<void> => {
    if (failed) return;
    await check(one).catch((error: unknown) => {
      failed = true;
      throw error;
    });
  };
  const lane = (_: unknown, index: number): Promise<void> =>
    fc.assert(fc.asyncProperty(cases, unlessFailed), {
      seed: roundSeed + index,
      numRuns: Math.ceil(rounds / lanes),
      endOnFailure: true,
    });
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of ended) if (one.status === "rejected") throw repeatable(one.reason);
}

/** What failed comes first: a case can be longer than what is kept of an output. */
function repeatable(reason: unknown): Error {
  const [, seed, at] = /seed: (-?\d+), path: "([^"]*)"/.exec(String(reason)) ?? [];
  const failed = reason instanceof Error && reason.cause instanceof Error ? reason.cause.message : "";
  const again = `again, and made small, with WEIR_SEED=${seed} WEIR_PATH=${at}`;
  return new Error(`${failed.slice(0, 500)}\n${again}`, { cause: reason });
}
