import { useState } from "react";
import { forgetText, keepText, keptText } from "../kept.ts";
import { draftFrom } from "./draft.ts";
import type { Draft } from "./draft.ts";

/** A draft as it is kept in the browser, from the first letter on until it is saved or thrown away. */
export interface Kept {
  readonly draft: Draft;
  /** The version of the rule that it changes; undefined for a new one. */
  readonly version: number | undefined;
}

const keyOf = (ruleId: string | undefined): string => `weir.draft.${ruleId ?? ""}`;

export function keptDraft(ruleId: string | undefined): Kept | undefined {
  try {
    const { draft, version } = JSON.parse(keptText(keyOf(ruleId)) ?? "{}") as Record<string, unknown>;
    const found = draftFrom(draft);
    return found && { draft: found, version: typeof version === "number" ? version : undefined };
  } catch {
    return undefined;
  }
}

export const forgetDraft = (ruleId: string | undefined): void => forgetText(keyOf(ruleId));

/** Keeps what is typed at once: a reload, a crash or a wrong click loses nothing. */
export function useKeptDraft(ruleId: string | undefined, first: Kept) {
  const [kept, setKept] = useState<Kept>(() => keptDraft(ruleId) ?? first);
  const [isRestored, setRestored] = useState(() => keptDraft(ruleId) !== undefined);
  const change = (draft: Draft): void => {
    const next = { ...kept, draft };
    keepText(keyOf(ruleId), JSON.stringify(next));
    setKept(next);
  };
  /** What was typed is this version by now: it need not be kept, and what is typed next changes that one. */
  const goOnFrom = (version: number): void => {
    forgetDraft(ruleId);
    setKept({ ...kept, version });
  };
  const startOver = (from: Kept): void => {
    forgetDraft(ruleId);
    setKept(from);
    setRestored(false);
  };
  return { ...kept, isRestored, change, startOver, goOnFrom };
}
