/** What would let real time or real chance into the simulated world. */
const banned: readonly (readonly [object: object, name: string])[] = [
  ...["setTimeout", "setInterval", "setImmediate"].map((name) => [globalThis, name] as const),
  [Date, "now"],
  [performance, "now"],
  [Math, "random"],
];

/** Runs it in a process in which nobody can ask for the real time, wait by it, or draw at random. One at a time. */
export async function withoutRealTime<T>(run: () => Promise<T>): Promise<T> {
  const before = banned.map(([object, name]) => [object, name, Object.getOwnPropertyDescriptor(object, name)] as const);
  for (const [object, name] of banned) {
    const value = (): never => {
      throw new Error(`${name} was called in the simulated world`);
    };
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  try {
    return await run();
  } finally {
    for (const [object, name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
    }
  }
}
