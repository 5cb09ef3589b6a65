import assert from "node:assert/strict";
import { Compile } from "typebox/schema";
import type { LiveLimits } from "../../src/live/limits.ts";
import { ExactMessage } from "../../src/protocol/live.ts";
import { ExactTestClient } from "./exact-client.ts";
import { liveDesk } from "./live-desk.ts";

const schema = Compile(ExactMessage);

/** The desk of the plain mode with clients of the exact one, whose messages must be as they are described. */
export function exactDesk(limits: Partial<LiveLimits> = {}, knowsRules?: () => boolean) {
  const desk = liveDesk(limits, knowsRules);
  const client = (): ExactTestClient => {
    const one = new ExactTestClient((carrier) => desk.hub.connect(carrier));
    one.connect();
    return one;
  };
  /** What the client was sent since this was asked last. */
  const take = (one: ExactTestClient): ExactMessage[] => {
    one.read();
    const messages = one.messages.splice(0);
    for (const message of messages) assert.ok(schema.Check(message), JSON.stringify(message));
    return messages;
  };
  return { ...desk, client, take };
}
