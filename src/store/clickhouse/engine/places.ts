/**
 * How many statements the engine runs at a time. Together they leave some of the pool's 24 threads to files and cancelling. What
 * all who read may take together is less than `reads`, so that there is always one for counting: test/reading-places.test.ts.
 */
export const places = { writes: 4, reads: 12, tools: 2 };
