import assert from "node:assert/strict";
import { test } from "node:test";
import { epochText } from "./epoch.ts";
import { idPart, readEventId, writeEventId as write } from "./event-id.ts";
import type { Place } from "./subscriber.ts";

const writeEventId = (places: readonly (Place | null)[]): string => write(places.map(idPart));
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

test("after a restart no place of the old process is taken for one of the new, nor the other way round", () => {
  const old = { epoch: epochText({ process: "p0", feed: 2, from: 0 }), seq: 7 };
  const nowhere = { epoch: "-", seq: 0 };
  assert.deepEqual(readEventId(writeEventId([place(1, 0, 3), old, null]), 3), [place(1, 0, 3), nowhere, undefined]);
  assert.deepEqual(readEventId(writeEventId([old, place(1, 0, 3)]), 2), [old, nowhere]);
  // Nor is who has nothing to go on from forgotten to have something: he is owed a reset.
  assert.deepEqual(readEventId(writeEventId([nowhere, old]), 2), [nowhere, old]);
});
