import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { guide, runPages } from "./page.ts";
import { differences } from "./session.ts";

describe("the sessions of pages print what the pages say", { concurrency: 2 }, () => {
  for (const pages of guide) {
    it(pages.join(", then "), async () => {
      const runs = await runPages(pages);
      for (const { page, session } of runs) assert.ok(session.length >= 4, `${page} has a session`);
      const found = runs.flatMap(({ page, session, printed }) => differences(page, session, printed));
      assert.ok(found.length === 0, `\n${found.join("\n")}`);
    });
  }
});
