import type { WeirError } from "../lib/errors.ts";
import { untilThere } from "../lib/until-there.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Store } from "../store/store.ts";
import type { OpenedRules } from "./rules.ts";
import type { StoreDeps } from "./store-host.ts";

/**
 * The rules and the store may be of different moments, and of different installations. What was there when it was opened may
 * have gone since, while another was waited for: then it is waited for again.
 */
export function bringTogether(
  rulebook: Pick<Rulebook, "catchUp" | "rebuild">,
  store: Pick<Store, "newestSeries">,
  { adopted, claim }: Omit<OpenedRules, "rules">,
  { clock, logger, signal }: Pick<StoreDeps, "clock" | "logger" | "signal">,
): Promise<void> {
  const attempt = async (): Promise<void> => {
    if (await rulebook.catchUp(await store.newestSeries()))
      logger.warn("the rules are older than the store: the windows of all rules are made anew");
    else if (adopted) {
      logger.warn("the rules were made for another installation: the windows of all rules are made anew");
      await rulebook.rebuild();
    }
    await claim();
  };
  const waiting = ({ message }: WeirError, pauseMs: number): void =>
    logger.warn({ pauseMs }, `${message}; trying again`);
  return untilThere(clock, attempt, waiting, signal);
}
