import { Http, withoutLogin } from "../../client/src/http.ts";
import { platform } from "../../client/src/surroundings.ts";
import { Weir } from "../../client/src/weir.ts";

/** Where these pages come from: every request goes there. */
const address = withoutLogin(new URL(".", document.baseURI)).href.replace(/\/$/, "");

export const weir = new Weir({ queryUrl: address, timeoutMs: 15_000 });

/** For what is no text, or has something in its head. */
export const http = new Http(address, platform, { headers: {}, timeoutMs: 15_000 });

export interface Sent {
  readonly ok: boolean;
  readonly status: number;
  /** As it came; most often JSON. */
  readonly text: string;
  readonly ms: number;
}

/** Sends a text as events, as it is, and answers what the server says. Rejects when nobody answers. */
export async function sendEvents(text: string, counted: boolean): Promise<Sent> {
  const startedAt = performance.now();
  const answer = await fetch(`${address}/dashboard/ingest${counted ? "?wait=counted" : ""}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: text,
    // A server says after a minute that they are not counted yet.
    signal: AbortSignal.timeout(counted ? 75_000 : 15_000),
  });
  const said = await answer.text();
  return { ok: answer.ok, status: answer.status, text: said, ms: performance.now() - startedAt };
}

export interface About {
  readonly version: string;
  readonly ingest_port: number | null;
}

export const about = async (): Promise<About> => JSON.parse(await weir.ask("GET", "/dashboard/about")) as About;

/** The address of the port for events, as this browser would reach it. */
export const ingestUrlOf = ({ ingest_port: port }: About): string =>
  port === null ? `${location.protocol}//<ingest host>` : `${location.protocol}//${location.hostname}:${port}`;

/** The windows of a rule as a file, newest first; where there are very many, not all. */
export const csvUrl = (ruleId: string): string =>
  `${address}/stats?rule_id=${encodeURIComponent(ruleId)}&start_time=0&format=csv`;
