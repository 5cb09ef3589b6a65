import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd } from "./crowd.ts";

interface Guest {
  readonly name: string;
  seat: number;
}

const guest = (name: string): Guest => ({ name, seat: -1 });
const names = (crowd: Crowd<Guest>): string[] => [...crowd].map(({ name }) => name).toSorted();

test("a crowd has those that have come and not gone, whoever goes first", () => {
  const guests = ["a", "b", "c", "d"].map(guest);
  const crowd = new Crowd<Guest>();
  const there = new Set<string>();
  // Each of the sixteen subsets is left, in both orders of going.
  for (let leaving = 0; leaving < 16; leaving++) {
    for (const order of [guests, guests.toReversed()]) {
      const go = (one: Guest): void => void (crowd.delete(one), there.delete(one.name));
      for (const one of guests) crowd.add(one);
      for (const { name } of guests) there.add(name);
      const going = order.filter((one) => (leaving >> guests.indexOf(one)) & 1);
      for (const one of going) go(one);
      assert.deepEqual(names(crowd), [...there].toSorted());
      assert.equal([...crowd].length, there.size);
      for (const one of order) go(one);
      assert.equal([...crowd].length, 0);
    }
  }
});

test("who is not there, or has gone already, takes nobody along", () => {
  const [a, b, stranger] = [guest("a"), guest("b"), guest("c")];
  const crowd = new Crowd<Guest>();
  crowd.add(a);
  crowd.add(b);
  crowd.delete(stranger);
  crowd.delete(a);
  crowd.delete(a);
  assert.deepEqual(names(crowd), ["b"]);
});
