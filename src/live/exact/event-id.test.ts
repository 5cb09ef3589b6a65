import assert from "node:assert/strict";
import { test } from "node:test";
import { epochText } from "./epoch.ts";
import { readEventId, writeEventId } from "./event-id.ts";

const place = (feed: number, from: number, seq: number) => ({ epoch: epochText({ process: "p1", feed, from }), seq });

test("an event's id has the places of all rules", () => {
  const places = [place(1, 0, 7), null, place(35, Date.UTC(2026, 0, 1), 1e9)];
  const id = writeEventId(places);
  assert.match(id, /^[\w~.-]+$/);
  assert.deepEqual(readEventId(id, 3), [places[0], undefined, places[2]]);
  assert.deepEqual(readEventId(writeEventId([null]), 1), [undefined]);
});

test("an id that is none of ours is a place where nobody is", () => {
  const nowhere = { epoch: "-", seq: 0 };
  for (const id of [
    "",
    "7",
    "p1~1.0",
    "p1~1.0.7~1.0.7",
    "p1~1.0.-7",
    "p1~..",
    "p1~zzzzzzzzzzzzzzzz.0.1",
    "~",
    "p1~a.b.c.d",
  ])
    assert.deepEqual(readEventId(id, 1), [nowhere], id);
});
