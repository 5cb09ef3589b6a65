/** Whoever can be in a crowd knows where it stands there, for the crowd's use alone. */
export interface Member {
  seat: number;
}

/**
 * Those that come and go with every request, in no order; nobody may leave while they are gone through. A Set does the same, but
 * makes itself anew again and again, and V8 keeps each of its tables as long as the one before it: once a table is among what
 * is old, all that come behind it stay until a full collection.
 */
export class Crowd<T extends Member> implements Iterable<T> {
  readonly #members: T[] = [];

  /** It must not be in a crowd already. */
  add(member: T): void {
    member.seat = this.#members.push(member) - 1;
  }

  /** The last one takes its seat. One that is not here is left alone. */
  delete(member: T): void {
    if (this.#members[member.seat] !== member) return;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[member.seat] = last;
    last.seat = member.seat;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members.values();
  }
}
