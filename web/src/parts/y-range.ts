/** How much room there is beyond the outermost value. */
const beyond = 1.08;

/** From where to where an axis of values goes: with zero, and no further than that on the side where nothing is. */
export function yRange(low: number, high: number): [from: number, to: number] {
  const from = low < 0 ? low * beyond : 0;
  // Of nothing but zeros it has some height all the same.
  return [from, high > 0 ? high * beyond : from < 0 ? 0 : 1];
}
