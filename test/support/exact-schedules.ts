import fc from "fast-check";
import { type MakeClient, type Step, World, stepOf } from "./exact-world.ts";

/** Without the bias to small numbers, by which hardly anything would happen. */
const steps: fc.Arbitrary<Step[]> = fc.noBias(
  fc.array(
    fc.tuple(fc.nat(99), fc.nat(15), fc.nat(15), fc.nat(15)).map((numbers) => stepOf(numbers)),
    { minLength: 10, maxLength: 40, size: "max" },
  ),
);

/** Whatever is scheduled in a world of such clients, everybody has in the end what `/stats` answers. */
export const scheduleHolds = (make?: MakeClient): fc.IAsyncPropertyWithHooks<[Step[]]> =>
  fc.asyncProperty(steps, async (schedule) => {
    const world = new World(make);
    for (const step of schedule) await world.take(step);
    await world.rest();
    await world.check();
    world.close();
  });

/** `WEIR_RESUMES=200000` is the long form; `WEIR_SEED` and `WEIR_PATH` play one case again. */
export function scheduleRuns(usual: number): {
  readonly numRuns: number;
  readonly seed: number;
  readonly path?: string;
} {
  const path = process.env["WEIR_PATH"];
  return {
    numRuns: Number(process.env["WEIR_RESUMES"] ?? usual),
    seed: Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff),
    ...(path !== undefined && { path }),
  };
}
