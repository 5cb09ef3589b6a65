import { fileURLToPath } from "node:url";
import { dashboardRoutes } from "../http/dashboard-routes.ts";
import type { Routes } from "../http/server.ts";
import { Ingest } from "../ingest/ingest.ts";
import type { Log } from "../log/log.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import type { Basis } from "./basis.ts";

/** What `npm run build` makes of `web/`. */
const folder = fileURLToPath(new URL("../../web/dist/", import.meta.url));

/** What a person pastes; programs have the ingest port. */
const trialLimits = { eventsMax: 1000, bodyBytesMax: 2 ** 20, inFlightBytesMax: 4 * 2 ** 20 };

/** The dashboard, which can send a few events where this process takes any. `ingestUrl` is known once that server listens. */
export function dashboard(
  { clock, config, metrics, version }: Basis,
  { log, progress }: { readonly log: Log; readonly progress: MemoryProgress },
  ingestUrl: () => string | undefined,
): Routes {
  const limits = { ...trialLimits, futureMaxMs: config.futureMaxMs };
  const takesEvents = config.roles.includes("ingest");
  return dashboardRoutes({
    folder,
    clock,
    ingest: takesEvents ? new Ingest({ log, progress, clock, metrics: metrics.ingest, limits }) : undefined,
    about: () => {
      const url = ingestUrl();
      return { version, ingest_port: url === undefined ? null : Number(new URL(url).port || 80) };
    },
  });
}
