import type { Rulebook } from "./rulebook.ts";
import { answering, readable, readableVersions } from "./versions.ts";

/** The rules as those who answer questions about them need them: as this process last saw them, and which version is read. */
export const rulesToRead = (book: Rulebook) => ({
  get: (id: string) => book.get(id),
  find: (id: string) => book.find(id),
  list: () => book.list(),
  answering,
  readable,
  readableVersions,
});
