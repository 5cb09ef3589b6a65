import { checkEvent } from "../event/check.ts";
import type { CheckedEvent } from "../event/check.ts";
import { markNumbers } from "../event/exact.ts";
import type { EventRules } from "../event/limits.ts";
import { shortened } from "../event/shortened.ts";
import type { Problem } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/is-object.ts";
import type { CheckText } from "./collector.ts";

/** Which attribute of a CloudEvent becomes which key of an event. All other attributes are ignored, `source` and extensions too. */
const attributes = [
  ["event_id", "id"],
  ["event_type", "type"],
  ["user_id", "subject"],
  ["timestamp", "time"],
  ["payload", "data"],
] as const;

/** The attributes of a CloudEvent that mean something here, as far as it has them. */
export type CloudAttributes = Readonly<Partial<Record<"specversion" | "id" | "type" | "subject" | "time", string>>>;

/**
 * The check of one CloudEvents 1.0 envelope in JSON. An envelope without `time` happened `now`; `subject` is required, because
 * every event is somebody's. Problems are named by the attributes of the envelope.
 */
export function cloudEventCheck(now: number): CheckText {
  return (json, rules) => {
    const envelope: unknown = JSON.parse(json);
    if (!isObject(envelope))
      return { ok: false, problems: [{ path: "", message: "must be an object", value: shortened(envelope) }] };
    return checkEnvelope(envelope, now, rules, () => dataOf(JSON.parse(markNumbers(json))));
  };
}

/** The same for a CloudEvent in binary mode: its attributes came beside the text, which is its data. */
export function cloudDataCheck(attributes: CloudAttributes, now: number): CheckText {
  return (json, rules) =>
    checkEnvelope({ ...attributes, data: JSON.parse(json) as unknown }, now, rules, () =>
      JSON.parse(markNumbers(json)),
    );
}

/** `exactData` parses the data once more, so that no digit of a number is lost. */
function checkEnvelope(envelope: JsonObject, now: number, rules: EventRules, exactData: () => unknown): CheckedEvent {
  const problems = envelopeProblems(envelope);
  const checked = renamed(checkEvent(eventOf(envelope, now), rules, exactData));
  if (problems.length === 0) return checked;
  return { ok: false, problems: checked.ok ? problems : [...problems, ...checked.problems] };
}

function envelopeProblems(envelope: JsonObject): Problem[] {
  const problems: Problem[] = [];
  const version = envelope["specversion"];
  if (version !== "1.0")
    problems.push({ path: "specversion", message: 'must be "1.0"', value: shortened(version) ?? null });
  if (envelope["data_base64"] !== undefined)
    problems.push({ path: "data_base64", message: "is not taken; send `data` as a JSON object" });
  return problems;
}

function eventOf(envelope: JsonObject, now: number): JsonObject {
  const event: Record<string, unknown> = {};
  for (const [key, attribute] of attributes) if (envelope[attribute] !== undefined) event[key] = envelope[attribute];
  event["timestamp"] ??= now;
  // JSON null stands for an attribute that is not there.
  if (event["payload"] === null) delete event["payload"];
  return event;
}

function dataOf(envelope: unknown): unknown {
  return isObject(envelope) ? envelope["data"] : undefined;
}

function renamed(checked: CheckedEvent): CheckedEvent {
  if (checked.ok) return checked;
  const problems = checked.problems.map((problem) => {
    const found = attributes.find(
      ([key]) => problem.path === key || problem.path.startsWith(`${key}.`) || problem.path.startsWith(`${key}[`),
    );
    return found ? { ...problem, path: found[1] + problem.path.slice(found[0].length) } : problem;
  });
  return { ok: false, problems };
}
