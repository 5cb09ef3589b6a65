import { useState } from "react";
import { forgetText, keepText, keptKeys, keptText, tabId } from "../kept.ts";
import { draftFrom, isSame, newDraft, onTopOf } from "./draft.ts";
import type { Draft } from "./draft.ts";

/** A draft as it is kept in the browser, from the first letter on until it is saved or thrown away. */
export interface Kept {
  readonly draft: Draft;
  /** The version of the rule that it changes; undefined for a new one. */
  readonly version: number | undefined;
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
    const { draft, version, base, at } = JSON.parse(keptText(key) ?? "{}") as Record<string, unknown>;
    const found = draftFrom(draft);
    const versionOf = typeof version === "number" ? version : undefined;
    return found && { draft: found, version: versionOf, base: draftFrom(base), at: typeof at === "number" ? at : 0 };
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

/** Keeps what is typed at once: a reload, a crash or a wrong click loses nothing. */
export function useKeptDraft(ruleId: string | undefined, first: Kept) {
  const [kept, setKept] = useState<Kept>(() => keptDraft(ruleId) ?? first);
  const [isRestored, setRestored] = useState(() => keptDraft(ruleId) !== undefined);
  const keep = (next: Kept): void => {
    keepDraft(ruleId, next);
    setKept(next);
  };
  const change = (draft: Draft): void => keep({ ...kept, draft });
  /** What was typed is this version by now: it need not be kept, and what is typed next changes that one. */
  const goOnFrom = (version: number): void => {
    forgetDraft(ruleId);
    setKept({ ...kept, version, base: kept.draft });
  };
  /** What was typed changes this version from now on. */
  const goOnTopOf = (newer: Kept): void => keep({ ...newer, draft: onTopOf(newer.draft, kept.draft, kept.base) });
  const startOver = (from: Kept): void => {
    forgetDraft(ruleId);
    setKept(from);
    setRestored(false);
  };
  return { ...kept, isRestored, change, startOver, goOnFrom, goOnTopOf };
}
