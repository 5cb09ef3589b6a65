import Type from "typebox";
import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import { suggest } from "../lib/suggest.ts";
import { expectation } from "./mistake.ts";
import { WindowValue } from "./stats.ts";

/** What a client sends over `WS /live-stats`, at most 16 KiB a message. */
export const LiveRequest = Type.Object(
  {
    subscribe_rules: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 1000, description: "rules to watch" }),
    ),
    unsubscribe_rules: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        maxItems: 1000,
        description: "rules to watch no longer",
      }),
    ),
    mode: Type.Optional(Type.Literal("plain", { description: "the only mode as yet" })),
    interval_ms: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 60_000,
        description: "how long at least between two pushes of a rule; 5000 when left out",
      }),
    ),
  },
  { additionalProperties: false, description: "what a client sends" },
);
export type LiveRequest = Static<typeof LiveRequest>;

/** What is pushed: the newest window's rows at once, then the rows that changed, with their full new values. */
export const LivePush = Type.Object(
  {
    rule_id: Type.String(),
    timestamp: Type.String({ description: "when this was sent, by the server's clock" }),
    data: Type.Array(Type.Array(Type.Union([Type.String(), Type.Null(), WindowValue])), {
      description:
        "rows: window_start, the group values in `group_by` order, the value (of a cumulative window at its newest end); behind it the text `overflow` in the row of the events that are in no group of their own",
    }),
    truncated: Type.Optional(
      Type.Literal(true, { description: "there are, or may be, more rows than are pushed; ask `/stats`" }),
    ),
  },
  { description: "rows of a rule" },
);
export type LivePush = Static<typeof LivePush>;

/** Every code of an error message, with what it means. */
export const liveErrorCodes = {
  invalid_json: "the message is not JSON",
  invalid_message: "the message is not one that is understood",
  unknown_rule: "there is no rule of this id",
  rule_deleted: "the rule was deleted; it is no longer watched",
  too_many_subscriptions: "the socket watches as many rules as it may",
} as const;
export type LiveErrorCode = keyof typeof liveErrorCodes;

const LiveError = Type.Object(
  {
    type: Type.Literal("error"),
    code: Type.String({ enum: Object.keys(liveErrorCodes) }),
    message: Type.String(),
    rule_id: Type.Optional(Type.String({ description: "the rule that it is about" })),
  },
  { description: "something was refused; the socket stays" },
);
export type LiveError = Static<typeof LiveError>;

export const LiveMessage = Type.Union([LivePush, LiveError], { description: "what the server sends" });

/** Why a socket was closed by the server: the codes of the WebSocket protocol, and our own from 4000 on. */
export const closeCodes = {
  stopping: { code: 1001, reason: "the server is stopping" },
  text_only: { code: 1003, reason: "messages are text" },
  too_many_sockets: { code: 1013, reason: "as many sockets are open as may be; try again later" },
  too_slow: { code: 4008, reason: "too slow: what was sent was not read in time" },
  too_many_messages: { code: 4029, reason: "too many messages" },
} as const;
export type CloseReason = keyof typeof closeCodes;

export type ReadRequest =
  | { readonly ok: true; readonly request: LiveRequest }
  | { readonly ok: false; readonly code: LiveErrorCode; readonly message: string };

const compiled = Compile(LiveRequest);
const names = Object.keys(LiveRequest.properties);

/** Reads a client's message; every mistake is named in one sentence. */
export function readLiveRequest(text: string): ReadRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: "invalid_json", message: liveErrorCodes.invalid_json };
  }
  if (!compiled.Check(value)) return { ok: false, code: "invalid_message", message: mistakesOf(value) };
  if (value.subscribe_rules || value.unsubscribe_rules) return { ok: true, request: value };
  return {
    ok: false,
    code: "invalid_message",
    message: "the message has neither subscribe_rules nor unsubscribe_rules",
  };
}

function mistakesOf(value: unknown): string {
  const mistakes = new Set<string>();
  for (const error of compiled.Errors(value)) {
    const [name = "", index] = error.instancePath.split("/").slice(1);
    if (name === "") mistakes.add(isObject(value) ? "" : "the message must be an object");
    else if (!names.includes(name)) mistakes.add(unknownName(name));
    else mistakes.add(`${name}${index === undefined ? "" : `[${index}]`} ${expectationOf(name, index, error)}`);
  }
  mistakes.delete("");
  return [...mistakes].slice(0, 20).join("; ");
}

function expectationOf(name: string, index: string | undefined, error: { keyword: string; message: string }): string {
  const property = Object.entries<object>(LiveRequest.properties).find(([key]) => key === name)?.[1] ?? {};
  const items = index !== undefined && "items" in property ? property.items : undefined;
  return expectation(typeof items === "object" && items !== null ? items : property, error, undefined);
}

function unknownName(name: string): string {
  const meant = suggest(name, names);
  return `${name.slice(0, 64)} is not known; ${meant ? `did you mean ${meant}?` : `known are ${names.join(", ")}`}`;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
