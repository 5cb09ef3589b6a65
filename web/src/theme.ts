import { keepText, keptText } from "./kept.ts";

/** `auto` is what the system says. */
export type Theme = "auto" | "light" | "dark";

export const themes: readonly Theme[] = ["auto", "light", "dark"];
const key = "weir.theme";

export function keptTheme(): Theme {
  const kept = keptText(key);
  return themes.find((theme) => theme === kept) ?? "auto";
}

export function applyTheme(theme: Theme): void {
  keepText(key, theme);
  document.documentElement.dataset["theme"] = theme;
  for (const listener of listeners) listener();
}

const listeners = new Set<() => void>();

/** Told when colours change, by the system or by hand. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}

/** What a custom property is now, as a colour that a canvas understands. */
export function colourOf(property: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  // Where the system forces its few colours upon pages, lines could not be told apart.
  probe.style.setProperty("forced-color-adjust", "none");
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
