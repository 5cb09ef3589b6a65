import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { formatField, parseField } from "./field.ts";
import { isLaterMetric, metricInputs, metricNames, resolveMetric } from "./metric.ts";
import type { CheckedRule, FieldRef, MetricName } from "./rule.ts";
import { parseWindowSize, tumbling } from "./window.ts";

export type ParsedRule =
  | { readonly ok: true; readonly rule: CheckedRule }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const groupKeysMax = 8;
const knownKeys = ["rule_id", "window_size", "window_type", "metric", "field", "group_by", "active"];
const laterKeys = [
  "hop",
  "decimals",
  "filter",
  "having",
  "top_n",
  "allowed_lateness",
  "late_policy",
  "retention",
  "timezone",
];

/**
 * Reads a rule's body. Closed grammar: every key, type and limit is checked, and all mistakes are named at once, each by
 * its path. `null` is the same as a missing key. The spec of the result is complete (defaults filled in) and canonical
 * (paths in their one form), so that two bodies that mean the same give equal specs.
 */
export function parseRule(body: unknown): ParsedRule {
  if (!isObject(body)) return { ok: false, problems: [problem("", "a rule must be an object", body)] };
  const reader = new RuleReader(body);
  const rule = reader.rule();
  return rule === undefined ? { ok: false, problems: reader.problems } : { ok: true, rule };
}

/** Whether two rules ask for the same, key by key. */
export function sameSpec(a: CheckedRule["spec"], b: CheckedRule["spec"]): boolean {
  return canonicalText(a) === canonicalText(b);
}

function canonicalText(spec: CheckedRule["spec"]): string {
  return JSON.stringify([spec.rule_id, spec.window_size, spec.metric, spec.field ?? null, spec.group_by, spec.active]);
}

interface MetricPart {
  readonly name: string;
  readonly metric: MetricName;
  /** What is read. */
  readonly field?: FieldRef;
  /** The field as the spec has it: an alias names none. */
  readonly named?: FieldRef;
}

class RuleReader {
  readonly problems: Problem[] = [];
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(body: Readonly<Record<string, unknown>>) {
    this.#body = body;
  }

  rule(): CheckedRule | undefined {
    this.#keys();
    const ruleId = this.#ruleId();
    const window = this.#window();
    const part = this.#metric();
    const groupBy = this.#groupBy();
    const active = this.#active();
    if (ruleId === undefined || window === undefined || part === undefined || this.problems.length > 0)
      return undefined;
    return {
      spec: {
        rule_id: ruleId,
        window_size: window.text,
        metric: part.name,
        ...(part.named === undefined ? {} : { field: formatField(part.named) }),
        group_by: groupBy.map(formatField),
        active,
      },
      window: tumbling({ unit: "second", count: window.seconds }),
      metric: part.metric,
      ...(part.field === undefined ? {} : { field: part.field }),
      groupBy,
      having: [],
      latenessSeconds: 0,
      latePolicy: "count",
    };
  }

  #keys(): void {
    for (const key of Object.keys(this.#body)) {
      if (knownKeys.includes(key)) continue;
      if (laterKeys.includes(key)) {
        if (this.#body[key] !== null) this.#wrong(key, "is not available yet in this version");
      } else {
        this.#wrong(shortened(key), `is not a key of a rule${suggestion(key, [...knownKeys, ...laterKeys])}`);
      }
    }
    const type = this.#value("window_type");
    if (type === undefined || type === "tumbling") return;
    const known = type === "hopping" || type === "cumulative";
    this.#wrong("window_type", known ? `${type} windows are not available yet in this version` : 'must be "tumbling"');
  }

  #ruleId(): string | undefined {
    const id = this.#text("rule_id");
    if (id === undefined) return undefined;
    if (!/^[A-Za-z0-9_.-]{1,128}$/.test(id))
      return this.#wrong("rule_id", "must be 1 to 128 of letters, digits, _ . -");
    if (id === "." || id === "..") return this.#wrong("rule_id", "must not be . or .., which a URL can't carry");
    return id;
  }

  #window(): { readonly text: string; readonly seconds: number } | undefined {
    const text = this.#text("window_size");
    if (text === undefined) return undefined;
    const seconds = parseWindowSize(text);
    return seconds.ok ? { text, seconds: seconds.value } : this.#wrong("window_size", seconds.message);
  }

  #metric(): MetricPart | undefined {
    const name = this.#text("metric");
    const field = this.#field();
    if (name === undefined) return undefined;
    const resolved = resolveMetric(name);
    if (resolved === undefined) return this.#unknownMetric(name);
    if (field === "wrong") return undefined;
    if (resolved.field !== undefined) return this.#aliasPart(name, resolved.metric, resolved.field, field);
    return metricInputs[resolved.metric] === "event"
      ? this.#eventPart(name, resolved.metric, field)
      : this.#fieldPart(name, resolved.metric, field);
  }

  #unknownMetric(name: string): undefined {
    if (isLaterMetric(name)) return this.#wrong("metric", `${name} is not available yet in this version`);
    return this.#wrong(
      "metric",
      `is not a metric; take one of ${metricNames.join(", ")}${suggestion(name, metricNames)}`,
    );
  }

  #aliasPart(name: string, metric: MetricName, fixed: FieldRef, field: FieldRef | undefined): MetricPart | undefined {
    if (field === undefined || formatField(field) === formatField(fixed)) return { name, metric, field: fixed };
    return this.#wrong("field", `${name} reads ${formatField(fixed)}; for another field take ${metric}`);
  }

  #eventPart(name: string, metric: MetricName, field: FieldRef | undefined): MetricPart | undefined {
    if (field === undefined) return { name, metric };
    return this.#wrong("field", `${name} counts events and reads no field; leave it out`);
  }

  #fieldPart(name: string, metric: MetricName, field: FieldRef | undefined): MetricPart | undefined {
    if (field === undefined) return this.#wrong("field", `is required: ${name} reads a field, such as payload.price`);
    if (metricInputs[metric] === "scalar" || field.kind === "payload") return { name, metric, field, named: field };
    return this.#wrong("field", `${name} reads numbers, and ${field.kind} is a text; name a payload path`);
  }

  #field(): FieldRef | undefined | "wrong" {
    if (this.#value("field") === undefined) return undefined;
    const text = this.#text("field");
    if (text === undefined) return "wrong";
    const field = parseField(text);
    if (field.ok && field.value.kind !== "event_type") return field.value;
    this.#wrong("field", field.ok ? "must be user_id or a payload path such as payload.price" : field.message);
    return "wrong";
  }

  #groupBy(): readonly FieldRef[] {
    const list = this.#value("group_by") ?? [];
    if (!Array.isArray(list)) {
      this.#wrong("group_by", "must be a list of event_type, user_id and payload paths");
      return [];
    }
    if (list.length > groupKeysMax) {
      this.#wrong("group_by", `has ${list.length} keys; a rule has at most ${groupKeysMax}`);
      return [];
    }
    const seen = new Set<string>();
    return list.flatMap((item: unknown, index) => this.#groupKey(item, `group_by[${index}]`, seen));
  }

  #groupKey(item: unknown, path: string, seen: Set<string>): readonly FieldRef[] {
    const field = typeof item === "string" ? parseField(item) : undefined;
    if (field === undefined || !field.ok) {
      this.problems.push(problem(path, field?.message ?? "must be a text such as event_type or payload.country", item));
      return [];
    }
    const text = formatField(field.value);
    if (seen.has(text)) this.problems.push(problem(path, "names the same key twice", item));
    seen.add(text);
    return [field.value];
  }

  #active(): boolean {
    const active = this.#value("active") ?? true;
    if (typeof active !== "boolean") this.#wrong("active", "must be true or false");
    return active === true;
  }

  #text(key: string): string | undefined {
    const value = this.#value(key);
    if (typeof value === "string") return value;
    return this.#wrong(key, value === undefined ? "is required" : "must be a text");
  }

  /** The value of an own key; null counts as missing. */
  #value(key: string): unknown {
    return Object.hasOwn(this.#body, key) ? (this.#body[key] ?? undefined) : undefined;
  }

  #wrong(key: string, message: string): undefined {
    this.problems.push(problem(key, message, this.#value(key)));
  }
}

function suggestion(name: string, known: readonly string[]): string {
  const near = suggest(name, known);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function problem(path: string, message: string, value: unknown): Problem {
  return value === undefined ? { path, message } : { path, message, value: shortened(value) };
}

/** A value short enough for an error's text. */
function shortened<T>(value: T): T | string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length <= 100 ? value : `${text.slice(0, 100).toWellFormed()}…`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
