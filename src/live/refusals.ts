import type { RuleRecord } from "../rule/registry.ts";

/** Why a rule is not watched, in words for those who asked. */
const reasons = {
  kept: "the newest window alone has more than is kept for a rule",
  read: "reading the rule's windows takes more time, memory or bytes than a live reading may",
  together:
    "the newest windows of all watched rules have more than is kept, and those of this one are among the largest",
} as const;
export type TooLarge = keyof typeof reasons;

export interface RefusalBounds {
  /** A rule that was too large is not tried again for so long, whoever asks. */
  readonly refusedMs: number;
  /** For so long its readings are expected to be slow. */
  readonly suspectedMs: number;
}

interface Refusal {
  readonly revision: number;
  /** By the monotonic clock. */
  readonly at: number;
  readonly text: string;
}

/**
 * Rules that were found too large to be watched. To find that out takes the store many seconds, and a client may ask again at
 * once: so it is remembered for a while, or until the rule is changed. Moments are ms of the monotonic clock.
 */
export class Refusals {
  readonly #bounds: RefusalBounds;
  readonly #refused = new Map<string, Refusal>();

  constructor(bounds: RefusalBounds) {
    this.#bounds = bounds;
  }

  /** @returns what is to be told. */
  note(ruleId: string, revision: number, why: TooLarge, at: number): string {
    const text = `${reasons[why]}; it is not watched: ${ruleId}`;
    this.#refused.set(ruleId, { revision, at, text });
    return text;
  }

  /** Why the rule is refused now, if it is. */
  of(rule: RuleRecord | undefined, now: number): string | undefined {
    const refusal = this.#of(rule);
    return refusal !== undefined && now - refusal.at < this.#bounds.refusedMs ? refusal.text : undefined;
  }

  /** Whether the rule was refused lately. */
  suspects(rule: RuleRecord): boolean {
    return this.#of(rule) !== undefined;
  }

  #of(rule: RuleRecord | undefined): Refusal | undefined {
    const refusal = rule && this.#refused.get(rule.rule_id);
    return refusal?.revision === rule?.revision ? refusal : undefined;
  }

  /** Forgets those of long ago. */
  sweep(now: number): void {
    for (const [ruleId, { at }] of this.#refused)
      if (now - at >= this.#bounds.suspectedMs) this.#refused.delete(ruleId);
  }
}
