import { useState } from "react";

/**
 * A text that the browser keeps with this entry of its history: it is there again for who comes back to it, or loads it again, and not where
 * the page is opened anew.
 */
export function useEntryText(name: string): [text: string, write: (text: string) => void] {
  const [text, setText] = useState(() => entryText(history.state, name));
  const write = (next: string): void => {
    keepEntryText(name, next);
    setText(next);
  };
  return [text, write];
}

export function entryText(state: unknown, name: string): string {
  const kept = typeof state === "object" && state !== null ? (state as Record<string, unknown>)[name] : undefined;
  return typeof kept === "string" ? kept : "";
}

function keepEntryText(name: string, text: string): void {
  try {
    history.replaceState({ ...(history.state as object | null), [name]: text }, "");
  } catch {
    // Some browsers take few in a short time: what is typed stays on the page.
  }
}
