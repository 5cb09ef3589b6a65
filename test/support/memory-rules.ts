import { WeirError } from "../../src/lib/errors.ts";
import type { RulePhase, RuleRecord, RuleVersion } from "../../src/rule/registry.ts";
import type { CheckedRule, FieldRef, RuleSpec, RuleWindow } from "../../src/rule/rule.ts";
import { tumbling } from "../../src/rule/window.ts";

interface Sketch {
  readonly rule_id: string;
  readonly windowSeconds?: number;
  /** Of other windows than tumbling ones of seconds. */
  readonly window?: RuleWindow;
  readonly latenessSeconds?: number;
  readonly retentionSeconds?: number;
  readonly group_by?: readonly string[];
  readonly phase?: RulePhase;
  readonly version?: number;
  readonly series?: number;
}

/** Rules that a test puts there, with one version each unless told otherwise. */
export class MemoryRules {
  readonly #records = new Map<string, RuleRecord>();
  readonly #windows = new Map<number, RuleWindow>();
  #series = 16;
  /** No record has a revision that one of the same id had before it was deleted. */
  readonly #revisions = new Map<string, number>();

  /** Adds a rule, or a newer state of it. Answers its series. */
  set(sketch: Sketch): number {
    const before = this.#records.get(sketch.rule_id);
    const series = sketch.series ?? this.#series++;
    const revision = (this.#revisions.get(sketch.rule_id) ?? 0) + 1;
    this.#revisions.set(sketch.rule_id, revision);
    const version: RuleVersion = {
      version: sketch.version ?? (before?.versions.length ?? 0) + 1,
      spec: specOf(sketch),
      series,
      phase: sketch.phase ?? "live",
      activation: { 0: 0 },
      createdAt: Date.UTC(2026, 0, 1),
    };
    if (sketch.window) this.#windows.set(series, sketch.window);
    const others = (before?.versions ?? []).filter((other) => other.version !== version.version);
    this.#records.set(sketch.rule_id, {
      rule_id: sketch.rule_id,
      revision,
      versions: [...others, version],
    });
    return series;
  }

  delete(ruleId: string): void {
    this.#records.delete(ruleId);
  }

  get(ruleId: string): RuleRecord {
    const record = this.#records.get(ruleId);
    if (!record) throw new WeirError("unknown_rule", `there is no rule ${ruleId}`);
    return record;
  }

  list(): readonly RuleRecord[] {
    return [...this.#records.values()];
  }

  readableVersions(record: RuleRecord): readonly RuleVersion[] {
    return record.versions;
  }

  readable(record: RuleRecord, version: number): { version: RuleVersion; rule: CheckedRule } | undefined {
    const versions = record.versions.filter((one) => one.version === version);
    return versions.length === 0 ? undefined : this.answering({ ...record, versions });
  }

  answering(record: RuleRecord): { version: RuleVersion; rule: CheckedRule } {
    const version =
      record.versions.findLast(({ phase }) => phase === "live" || phase === "paused") ?? record.versions.at(-1)!;
    return {
      version,
      rule: {
        spec: version.spec,
        window:
          this.#windows.get(version.series) ?? tumbling({ unit: "second", count: secondsOf(version.spec.window_size) }),
        having: [],
        latenessSeconds: secondsOf(version.spec.allowed_lateness ?? "0s"),
        ...(version.spec.retention !== undefined && { retentionSeconds: secondsOf(version.spec.retention) }),
        latePolicy: "count",
        metric: "count",
        groupBy: version.spec.group_by.map(fieldOf),
      },
    };
  }
}

function specOf(sketch: Sketch): RuleSpec {
  return {
    rule_id: sketch.rule_id,
    window_size: `${sketch.windowSeconds ?? 600}s`,
    metric: "count",
    group_by: sketch.group_by ?? ["event_type"],
    ...(sketch.latenessSeconds && { allowed_lateness: `${sketch.latenessSeconds}s` }),
    ...(sketch.retentionSeconds && { retention: `${sketch.retentionSeconds}s` }),
    active: true,
  };
}

const secondsOf = (seconds: string): number => Number(seconds.slice(0, -1));

function fieldOf(name: string): FieldRef {
  return name === "event_type" || name === "user_id"
    ? { kind: name }
    : { kind: "payload", path: name.split(".").slice(1) };
}
