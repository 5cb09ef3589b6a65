const delaysMs = [0, 200, 500, 1000, 2000, 5000];
/** Up for so long, the next end is not counted with the ones before. */
const steadyMs = 60_000;

/** How long an engine that has ended is left alone, after so many starts that have not led to a steady one. */
export const restartDelayMs = (inARow: number): number => delaysMs[Math.min(inARow, delaysMs.length - 1)] ?? 0;

/** How many starts count when one ends that was up for so long. */
export const startsInARow = (before: number, upMs: number): number => (upMs > steadyMs ? 0 : before);
