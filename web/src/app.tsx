import { useEffect, useRef, useSyncExternalStore } from "react";
import { EventsPage } from "./events/events-page.tsx";
import { RuleForm } from "./form/rule-form.tsx";
import { Overview } from "./overview/overview.tsx";
import { Shell } from "./parts/shell.tsx";
import { Empty, PageHead } from "./parts/states.tsx";
import { routeOf } from "./route.ts";
import type { Route } from "./route.ts";
import { RulePage } from "./rule/rule-page.tsx";
import { RulesPage } from "./rules/rules-page.tsx";
import { TryPage } from "./try/try-page.tsx";

export function App() {
  const hash = useSyncExternalStore(onHashChange, () => location.hash);
  const route = routeOf(hash);
  useNewPage(hash);
  return (
    <Shell route={route}>
      <Page route={route} />
    </Shell>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "overview":
      return <Overview />;
    case "rules":
      return <RulesPage />;
    case "rule":
      return <RulePage key={route.ruleId} ruleId={route.ruleId} />;
    case "edit":
      return <RuleForm key={route.ruleId} ruleId={route.ruleId} />;
    case "new":
      return <RuleForm key="" />;
    case "events":
      return <EventsPage tab={route.tab} />;
    case "try":
      return <TryPage />;
    case "unknown":
      return (
        <>
          <PageHead title="Nothing here" />
          <Empty title="There is no such page">
            “{route.path}” leads nowhere. <a href="#/">To the overview</a>
          </Empty>
        </>
      );
  }
}

function onHashChange(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** Whoever goes to another page by keyboard or hears pages read is put at its beginning. */
function useNewPage(hash: string): void {
  const before = useRef(hash);
  useEffect(() => {
    const heading = document.querySelector("h1");
    document.title = heading === null ? "Weir" : `${heading.textContent} · Weir`;
    if (before.current === hash) return;
    before.current = hash;
    scrollTo(0, 0);
    heading?.focus({ preventScroll: true });
  }, [hash]);
}
