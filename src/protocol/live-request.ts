import { isObject } from "../lib/is-object.ts";
import { parseMoment, timeMax } from "../lib/rfc3339.ts";
import { suggest } from "../lib/suggest.ts";
import { compiledOnce } from "./compiled.ts";
import { LiveRequest, liveErrorCodes } from "./live.ts";
import type { LiveErrorCode } from "./live.ts";
import { expectation } from "./mistake.ts";

export type ReadRequest =
  | {
      readonly ok: true;
      readonly request: LiveRequest;
      /** `from` in ms since the epoch, where it is given. */
      readonly from?: number;
    }
  | { readonly ok: false; readonly code: LiveErrorCode; readonly message: string };

const compiled = compiledOnce(LiveRequest);
const names = Object.keys(LiveRequest.properties);

/** Reads a client's message; every mistake is named in one sentence. */
export function readLiveRequest(text: string): ReadRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: "invalid_json", message: liveErrorCodes.invalid_json };
  }
  if (!compiled().Check(value)) return invalid(mistakesOf(value));
  const contradictions = contradictionsOf(value);
  if (contradictions.length > 0) return invalid(contradictions.join("; "));
  if (value.from === undefined) return { ok: true, request: value };
  const from = liveMoment(value.from);
  return from === undefined ? invalid(fromMistake(value.from)) : { ok: true, request: value, from };
}

/** Where a client says that it is with a rule; a rule may be named as what every object has (`constructor`). */
export const resumePlace = (
  resume: LiveRequest["resume"],
  ruleId: string,
): { epoch: string; seq: number } | undefined =>
  resume !== undefined && Object.hasOwn(resume, ruleId) ? resume[ruleId] : undefined;

/** A moment of the years 1970 to 9999, ms since the epoch; undefined when the text is none. */
export function liveMoment(text: string): number | undefined {
  const at = parseMoment(text);
  return at !== undefined && at >= 0 && at <= timeMax ? at : undefined;
}

export const fromMistake = (text: string): string =>
  `from ${JSON.stringify(text)} must be RFC 3339, e.g. 2026-01-17T00:00:00Z, or milliseconds since the epoch, between 1970 and 9999`;

const invalid = (message: string): ReadRequest => ({ ok: false, code: "invalid_message", message });

/** What the schema can't say. */
function contradictionsOf({ subscribe_rules, unsubscribe_rules, mode, from, resume }: LiveRequest): string[] {
  const found: string[] = [];
  if (!subscribe_rules && !unsubscribe_rules)
    found.push("the message has neither subscribe_rules nor unsubscribe_rules");
  if (mode !== "delta")
    for (const [name, value] of Object.entries({ from, resume }))
      if (value !== undefined) found.push(`${name} needs "mode":"delta"`);
  const strangers = Object.keys(resume ?? {}).filter((id) => !subscribe_rules?.includes(id));
  if (strangers.length > 0)
    found.push(`resume names ${strangers.slice(0, 10).map(shown).join(", ")}, which subscribe_rules does not`);
  return found;
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 128));

function mistakesOf(value: unknown): string {
  const mistakes = new Set<string>();
  for (const error of compiled().Errors(value)[1]) {
    const [name = "", ...inside] = error.instancePath.split("/").slice(1).map(unescaped);
    if (name === "") mistakes.add(isObject(value) ? "" : "the message must be an object");
    else if (!names.includes(name)) mistakes.add(unknownName(name));
    else mistakes.add(`${placeOf(name, inside)} ${expectationOf(name, inside, error)}`);
  }
  mistakes.delete("");
  return [...mistakes].slice(0, 20).join("; ");
}

const unescaped = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~").slice(0, 128);

function placeOf(name: string, inside: readonly string[]): string {
  if (name === "resume") return ["resume", ...inside].join(".");
  return inside[0] === undefined ? name : `${name}[${inside[0]}]`;
}

function expectationOf(
  name: string,
  [index]: readonly string[],
  error: { readonly keyword: string; readonly message: string },
): string {
  if (name === "resume") return resumeExpectation;
  const property = Object.entries<object>(LiveRequest.properties).find(([key]) => key === name)?.[1] ?? {};
  const items = index !== undefined && "items" in property ? property.items : undefined;
  return expectation(typeof items === "object" && items !== null ? items : property, error, undefined);
}

const resumeExpectation = 'must look as here: {"a_rule":{"epoch":"…","seq":7}}';

function unknownName(name: string): string {
  const meant = suggest(name, names);
  return `${name.slice(0, 64)} is not known; ${meant ? `did you mean ${meant}?` : `known are ${names.join(", ")}`}`;
}
