import type { RuleRecord } from "../rule/registry.ts";
import type { Rulebook } from "./rulebook.ts";
import { isUnderstood } from "./understood.ts";
import { answering, readable, readableVersions } from "./versions.ts";

/** The rules as those who answer questions about them need them: as this process last saw them, and which version is read. */
export const rulesToRead = (book: Rulebook) => ({
  get: (id: string) => book.get(id),
  find: (id: string) => watchable(book.find(id)),
  list: () => book.list(),
  answering,
  readable,
  readableVersions,
});

/** There is nothing to watch of a rule that can't be read. */
const watchable = (record: RuleRecord | undefined): RuleRecord | undefined =>
  record !== undefined && isUnderstood(answering(record).version.spec) ? record : undefined;
