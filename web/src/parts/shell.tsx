import { useState } from "react";
import type { ReactNode } from "react";
import { hrefOf } from "../route.ts";
import type { Route } from "../route.ts";
import { useStatus } from "../status-feed.ts";
import { applyTheme, keptTheme, themes } from "../theme.ts";
import type { Theme } from "../theme.ts";
import { timeText } from "../words/format.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";

interface Place {
  readonly name: string;
  readonly icon: IconName;
  readonly href: string;
  readonly pages: readonly Route["page"][];
}

const places: readonly Place[] = [
  { name: "Overview", icon: "overview", href: hrefOf({ page: "overview" }), pages: ["overview"] },
  { name: "Rules", icon: "rules", href: hrefOf({ page: "rules" }), pages: ["rules", "rule", "edit", "new"] },
  { name: "Events", icon: "events", href: hrefOf({ page: "events", tab: "arriving" }), pages: ["events"] },
  { name: "Try it", icon: "try", href: hrefOf({ page: "try" }), pages: ["try"] },
];

/** What stands around every page: the way to the others, and whether the server answers. */
export function Shell({ route, children }: { readonly route: Route; readonly children: ReactNode }) {
  const skip = (): void => document.querySelector<HTMLElement>("#main")?.focus();
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={skip}>
        To the content
      </button>
      <header className="bar">
        <a className="brand" href="#/" aria-label="Weir, to the overview">
          <Icon name="weir" />
          <span>Weir</span>
        </a>
        <nav className="places" aria-label="Pages">
          {places.map(({ name, icon, href, pages }) => (
            <a key={name} href={href} aria-current={pages.includes(route.page) ? "page" : undefined}>
              <Icon name={icon} />
              <span>{name}</span>
            </a>
          ))}
        </nav>
        <div className="bar-end">
          <Pulse />
          <ThemeChoice />
          <a className="api" href="docs/">
            API
          </a>
        </div>
      </header>
      <ConnectionLost />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** One point: whether what is shown is of now. */
function Pulse() {
  const { status, isLost } = useStatus();
  const [kind, words] = isLost
    ? ["lost", "Resuming"]
    : status === undefined
      ? ["waiting", "Connecting"]
      : status.status === "ok"
        ? ["ok", "Live"]
        : ["degraded", "Degraded"];
  return (
    <span className={`pulse pulse-${kind}`}>
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

/** Always there, so that it is read out when it fills. */
function ConnectionLost() {
  const { isLost, at, strange } = useStatus();
  const before = at === undefined ? undefined : `What you see is of ${timeText(at)} UTC.`;
  return (
    <div role="status" className="lost-place">
      {isLost && (
        <p className="lost">
          {strange === undefined ? (
            <>
              <strong>Connection lost, resuming.</strong>{" "}
              {before === undefined
                ? "The server does not answer; it is asked again every second."
                : `${before} It goes on by itself once the server answers.`}
            </>
          ) : (
            <>
              <strong>The server does not say how it stands.</strong> {strange.message} {before} If you have to log in,
              load this page again: what you typed is kept.
            </>
          )}
        </p>
      )}
    </div>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(keptTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
  const choose = (): void => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" className="quiet" onClick={choose} aria-label={`Colours: ${theme}. Change to ${next}`}>
      <Icon name={theme} />
    </button>
  );
}
