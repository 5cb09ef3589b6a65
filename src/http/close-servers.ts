import type { Clock } from "../lib/clock.ts";
import type { Server } from "./server.ts";

/** How long requests under way may take at a stop: longer than those that wait to be counted do then, and a third of what a stop may take. */
const graceMs = 3_000;

/** How long a connection that was cut may take to be gone. */
const cutMs = 500;

/**
 * Closes servers at one time: each refuses what is new, answers what is under way, and ends its live sockets. Whoever takes longer than
 * the grace is cut: a client that sends or reads without an end must not keep everything behind the servers from stopping in order.
 * @returns whether nobody was.
 */
export async function closeServers(
  servers: readonly Pick<Server, "close" | "server">[],
  clock: Pick<Clock, "sleep">,
  forMs = graceMs,
): Promise<boolean> {
  const closed = new AbortController();
  const closing = Promise.all(servers.map((server) => server.close())).finally(() => closed.abort());
  await Promise.race([closing, clock.sleep(forMs, closed.signal)]);
  if (closed.signal.aborted) return true;
  for (const { server } of servers) server.closeAllConnections();
  await Promise.race([closing, clock.sleep(cutMs, closed.signal)]);
  return false;
}
