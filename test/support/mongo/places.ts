import { after, before } from "node:test";
import { databaseUrl, givenUrl, type MongoServer, startMongo } from "./mongo-server.ts";

/** For the tests around the call: a server, given or of their own. Answers how to get the address of a place that nobody else has. */
export function mongoPlaces(): () => string {
  let server: MongoServer | undefined;
  before(async () => {
    if (givenUrl === "") server = await startMongo();
  });
  after(() => server?.close());
  return () => databaseUrl(server?.url ?? givenUrl);
}

/** Opens as `open` does; `cleanup` closes all that was opened: what a failed case has left open would keep the process. */
export function closedTogether<T extends { close(): Promise<void> }>(
  open: () => T | Promise<T>,
): { readonly open: () => Promise<T>; readonly cleanup: () => Promise<void> } {
  const opened: T[] = [];
  return {
    open: async () => {
      const one = await open();
      opened.push(one);
      return one;
    },
    cleanup: async () => {
      for (const one of opened) await one.close();
    },
  };
}
