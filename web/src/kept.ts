/**
 * What the browser keeps for the next time. It may be set to keep nothing (then even asking for the store throws), or have no
 * room: what is on the page stays there all the same.
 */
export function keptText(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Answers whether it is kept. */
export function keepText(key: string, text: string): boolean {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch {
    // What was kept before would be taken for what is there now.
    forgetText(key);
    return false;
  }
}

export function forgetText(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Then nothing was kept.
  }
}

/** The keys that begin so, in no order. */
export function keptKeys(beginning: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(beginning));
  } catch {
    return [];
  }
}

const tabKey = "weir.tab";
const newTab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

/** Names this tab apart from all others of the browser, also after a reload; where nothing is kept, until then. */
export function tabId(): string {
  try {
    const known = sessionStorage.getItem(tabKey);
    if (known !== null) return known;
    sessionStorage.setItem(tabKey, newTab);
  } catch {
    // Then nothing else is kept either.
  }
  return newTab;
}
