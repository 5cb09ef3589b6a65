import { useState } from "react";
import { forgetText, keepText, keptKeys, keptText, tabId } from "../kept.ts";
import { draftFrom, isSame, newDraft, onTopOf } from "./draft.ts";
import type { Draft } from "./draft.ts";

/** A draft as it is kept in the browser, from the first letter on until it is saved or thrown away. */
export interface Kept {
  readonly draft: Draft;
  /** The version of the rule that it changes; undefined for a new one. */
  readonly version: number | undefined;
  /** When that version was made: a rule that is deleted and made again begins with version 1 as well. */
  readonly changedAt?: string | undefined;
  /** That version as the form shows it. */
  readonly base?: Draft | undefined;
}

const newDrafts = "weir.new-draft.";

/** A rule has one draft in the browser; new rules have one for each tab, as they have nothing to do with each other. */
const keyOf = (ruleId: string | undefined): string =>
  ruleId === undefined ? newDrafts + tabId() : `weir.draft.${ruleId}`;

export const keptDraft = (ruleId: string | undefined): Kept | undefined => keptAt(keyOf(ruleId));

function keptAt(key: string): (Kept & { readonly at: number }) | undefined {
  try {
    const kept = JSON.parse(keptText(key) ?? "{}") as Record<string, unknown>;
    const draft = draftFrom(kept["draft"]);
    const version = typeof kept["version"] === "number" ? kept["version"] : undefined;
    const changedAt = typeof kept["changedAt"] === "string" ? kept["changedAt"] : undefined;
    const at = typeof kept["at"] === "number" ? kept["at"] : 0;
    return draft && { draft, version, changedAt, base: draftFrom(kept["base"]), at };
  } catch {
    return undefined;
  }
}

export function keepDraft(ruleId: string | undefined, kept: Kept): void {
  keepText(keyOf(ruleId), JSON.stringify({ ...kept, at: Date.now() }));
}

/** A new rule that was begun in another tab, which may have been closed since: nobody can tell. */
export interface OtherDraft {
  readonly key: string;
  readonly draft: Draft;
}

/** The one that was typed in last. */
export function newestOther(): OtherDraft | undefined {
  const own = keyOf(undefined);
  return keptKeys(newDrafts)
    .map((key) => ({ key, kept: key === own ? undefined : keptAt(key) }))
    .flatMap(({ key, kept }) => (kept === undefined || isSame(kept.draft, newDraft) ? [] : [{ key, ...kept }]))
    .toSorted((a, b) => b.at - a.at)[0];
}

/** Takes it from the other tab, as it is by now. Should that be open still, what is on its page stays there. */
export function takeOver({ key, draft }: OtherDraft): Draft {
  const newest = keptAt(key)?.draft ?? draft;
  forgetText(key);
  return newest;
}

export const forgetOther = ({ key }: OtherDraft): void => forgetText(key);

export const forgetDraft = (ruleId: string | undefined): void => forgetText(keyOf(ruleId));

/** Whether the rule is not what the draft changes any more. When that was made is not known of what older dashboards have kept. */
export const isOvertaken = (kept: Kept, now: Kept): boolean =>
  kept.version !== undefined &&
  (kept.version !== now.version || (kept.changedAt !== undefined && kept.changedAt !== now.changedAt));

/** What an older dashboard has kept has no base; while nobody has changed the rule, it is what the rule says. */
export const onItsBase = (kept: Kept, now: Kept): Kept =>
  kept.base === undefined && kept.version === now.version ? { ...now, draft: kept.draft } : kept;

/** Keeps what is typed at once: a reload, a crash or a wrong click loses nothing. */
export function useKeptDraft(ruleId: string | undefined, first: Kept) {
  const [kept, setKept] = useState<Kept>(() => onItsBase(keptDraft(ruleId) ?? first, first));
  const [isRestored, setRestored] = useState(() => keptDraft(ruleId) !== undefined);
  const keep = (next: Kept): void => {
    keepDraft(ruleId, next);
    setKept(next);
  };
  const change = (draft: Draft): void => keep({ ...kept, draft });
  /** What was typed is this version by now: it need not be kept, and what is typed next changes that one. */
  const goOnFrom = (saved: Kept): void => {
    forgetDraft(ruleId);
    setKept({ ...saved, draft: kept.draft, base: kept.draft });
  };
  /** What was typed on this base changes the newer version from now on. */
  const goOnTopOf = (newer: Kept, base: Draft): void =>
    keep({ ...newer, draft: onTopOf(newer.draft, kept.draft, base) });
  const startOver = (from: Kept): void => {
    forgetDraft(ruleId);
    setKept(from);
    setRestored(false);
  };
  return { ...kept, isRestored, change, startOver, goOnFrom, goOnTopOf };
}
