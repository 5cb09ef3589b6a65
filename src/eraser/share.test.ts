import assert from "node:assert/strict";
import { test } from "node:test";
import type { Erasure } from "../erasure/register.ts";
import { systemClock } from "../lib/clock.ts";
import { Share } from "./share.ts";

const erasure = (id: string, askedOf: string, state: Erasure["state"] = "waiting"): Erasure => ({
  ...{ id, by: "user_id", values: [], digests: [], below: {}, state, askedOf },
  ...{ events: null, requestedAt: 5, removedAt: null, finishedAt: null },
});

function desk(archivist?: string) {
  const state = { at: 1_000, archivist };
  const clock = { ...systemClock, monotonic: () => state.at };
  const share = new Share(clock, { process: "here", archivist: async () => state.archivist });
  const ours = async (...erasures: Erasure[]): Promise<string[]> => [...(await share.of(erasures)).ours];
  return { state, share, ours };
}

test("a process carries out what it was asked for, and what whoever was asked has left for long", async () => {
  const { state, ours } = desk();
  const [mine, theirs] = [erasure("a", "here"), erasure("b", "there")];
  assert.deepEqual(await ours(mine, theirs), ["a"]);
  state.at += 119_000;
  assert.deepEqual(await ours(mine, erasure("b", "there", "removing")), ["a"]);
  state.at += 119_000;
  assert.deepEqual(await ours(erasure("b", "there", "removing")), [], "it has taken a step meanwhile");
  state.at += 1_000;
  assert.deepEqual(await ours(erasure("b", "there", "removing")), ["b"]);
  assert.deepEqual(await ours(erasure("b", "there", "rebuilding")), [], "it is there again");
});

test("where there is an archive, who has it carries out all, and nobody else any", async () => {
  const { state, share, ours } = desk("there");
  const both = [erasure("a", "here"), erasure("b", "there")];
  assert.deepEqual(await share.of(both), { ours: new Set() });
  state.at += 120_000;
  assert.deepEqual(await share.of(both), { ours: new Set(), waitingFor: "there" });
  state.archivist = "here";
  assert.deepEqual(await ours(...both), ["a", "b"]);
});

test("alone, all are ours", async () => {
  const share = new Share(systemClock, undefined);
  assert.deepEqual((await share.of([erasure("a", "x"), erasure("b", "y")])).ours, new Set(["a", "b"]));
});
