import assert from "node:assert/strict";
import { Http } from "../../client/src/http.ts";
import { Sender } from "../../client/src/ingest/sender.ts";
import type { SenderOptions } from "../../client/src/ingest/sender-options.ts";
import { clientWorld, json } from "./client-world.ts";
import type { Answering } from "./client-world.ts";

export const event = (event_id: string) => ({ event_id, user_id: "u", event_type: "click", timestamp: 1 });
/** Of a body's events. */
export const ids = (body: string): string[] =>
  body.split("\n").flatMap((line) => (line === "" ? [] : [(JSON.parse(line) as { event_id: string }).event_id]));

/** A server that keeps ids, and refuses those that begin with `bad`, naming at most so many. */
export function store(namedMax = 100) {
  const kept: string[][] = [];
  const take: Answering = ({ body, url }) => {
    assert.equal(url.search, "?partial=true");
    const all = ids(body);
    kept.push(all);
    const bad = [...all.entries()].filter(([, id]) => id.startsWith("bad"));
    const refused = bad.map(([index, id]) => ({
      index,
      problems: [{ path: "event_id", message: "is bad", value: id }],
    }));
    return json({
      status: "accepted",
      count: all.length - bad.length,
      token: "t",
      refused_count: bad.length,
      refused: refused.slice(0, namedMax),
    });
  };
  return { kept, take };
}

/** A sender on a clock of the test. */
export function make(answer: Answering, options: SenderOptions = {}) {
  const { clock, surroundings } = clientWorld(answer);
  const http = new Http("http://weir", surroundings, { headers: {}, timeoutMs: 30_000 });
  return { clock, sender: new Sender(http, surroundings, options) };
}
