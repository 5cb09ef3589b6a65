import { setTimeout as pause } from "node:timers/promises";

/** As much of a client of the two APIs as tests and the bench need. Any answer but the expected one is an error. */

export interface RuleAnswer {
  readonly rule_id: string;
  readonly state: string;
  readonly filter?: string;
  readonly skipped: number | null;
  readonly late: number | null;
}

export interface ErasureAnswer {
  readonly erasure_id: string;
  readonly state: string;
  readonly events: number | null;
}

interface Page {
  readonly data: readonly Record<string, unknown>[];
  readonly next_cursor?: string;
}

/** Creates or changes a rule. */
export async function putRule(queryUrl: string, rule: object): Promise<void> {
  await answer(`${queryUrl}/aggregation-rule`, { method: "POST", headers: json, body: JSON.stringify(rule) });
}

/** Deletes a rule; one that is not there is no error. */
export async function deleteRule(queryUrl: string, ruleId: string): Promise<void> {
  const response = await repeated(`${queryUrl}/aggregation-rule/${ruleId}`, { method: "DELETE" });
  const text = await response.text();
  if (!response.ok && response.status !== 404) throw new Error(`DELETE ${ruleId}: ${response.status} ${text}`);
}

export async function rules(queryUrl: string): Promise<readonly RuleAnswer[]> {
  const body = await answer(`${queryUrl}/aggregation-rules`);
  const list = Array.isArray(body) ? body : Object.values(body as object).find(Array.isArray);
  if (list === undefined) throw new Error(`no list of rules in ${JSON.stringify(body)}`);
  return list as RuleAnswer[];
}

/**
 * The rule as it is answered when its counts are as expected. They are kept for up to a second, and null while the engine is
 * slow to tell them; after two minutes the last answer, for a message that shows it.
 */
export async function ruleOnce(
  queryUrl: string,
  ruleId: string,
  isSo: (rule: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const end = performance.now() + 120_000;
  for (;;) {
    const rule = (await answer(`${queryUrl}/aggregation-rule/${ruleId}`)) as Record<string, unknown>;
    if (isSo(rule) || performance.now() > end) return rule;
    await pause(50);
  }
}

/** Sends events and waits until they, and so everything acknowledged before them, are counted. */
export async function postCounted(ingestUrl: string, events: readonly object[]): Promise<void> {
  const url = `${ingestUrl}/ingest?wait=counted`;
  const response = await repeated(url, { method: "POST", headers: json, body: JSON.stringify(events) });
  const text = await response.text();
  // Counting took longer than one request may wait for it.
  const isDurable = response.status === 504;
  if (!response.ok && !isDurable) throw new Error(`POST ${url}: ${response.status} ${text.slice(0, 2000)}`);
  const body = JSON.parse(text) as { token?: string; error?: { details?: { token?: string } } };
  await untilCounted(ingestUrl, body.token ?? body.error?.details?.token ?? "", 5);
}

/** Waits until the events of a token are counted. */
export async function untilCounted(ingestUrl: string, token: string, minutes: number): Promise<void> {
  for (let attempt = 0; attempt < 2 * minutes; attempt++) {
    const status = await answer(`${ingestUrl}/ingest/status?token=${encodeURIComponent(token)}&wait=30s`);
    if ((status as { counted: boolean }).counted) return;
  }
  throw new Error(`events were not counted within ${minutes} minutes`);
}

/** How many events were counted, repeats among them. */
export async function totals(queryUrl: string): Promise<{ events: number; duplicates: number }> {
  for (const end = performance.now() + patienceMs; ;) {
    const { events, duplicates } = (await answer(`${queryUrl}/status`)) as Record<string, number | null>;
    // Null while the store is slow to tell.
    if (typeof events === "number" && typeof duplicates === "number") return { events, duplicates };
    if (performance.now() > end) throw new Error(`${queryUrl}/status does not tell how many events there are`);
    await pause(200);
  }
}

/** Every row of `/stats` between two times (ms), over all pages; `more` are further parameters, such as `&version=1`. */
export async function allStats(
  queryUrl: string,
  ruleId: string,
  from: number,
  to: number,
  more = "",
): Promise<Record<string, unknown>[]> {
  const span = `start_time=${from}&end_time=${to}&limit=10000${more}`;
  return pages(`${queryUrl}/stats?rule_id=${encodeURIComponent(ruleId)}&${span}`);
}

/** Every stored event between two times (ms), over all pages. */
export async function allEvents(queryUrl: string, from: number, to: number): Promise<Record<string, unknown>[]> {
  return pages(`${queryUrl}/events?start_time=${from}&end_time=${to}&limit=10000`);
}

/**
 * Waits until no rule is being filled. Fills give way to all else, so that a busy machine takes its time. `there`: rules that
 * have to be known as well, where another process has just made them.
 */
export async function rulesSettled(
  queryUrl: string,
  timeoutMs = 600_000,
  there: readonly string[] = [],
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const known = await rules(queryUrl);
    const open = known.filter((rule) => rule.state !== "live" && rule.state !== "paused");
    const missing = there.filter((id) => !known.some(({ rule_id }) => rule_id === id));
    if (open.length === 0 && missing.length === 0) return;
    if (performance.now() > end)
      throw new Error(`rules still being filled: ${JSON.stringify(open)}; not there: ${missing.join()}`);
    await pause(100);
  }
}

/** Asks for events to be erased, e.g. `user_id=u1&user_id=u2`. Answers the erasure's id. */
export async function eraseEvents(queryUrl: string, selector: string): Promise<string> {
  const erasure = (await answer(`${queryUrl}/events?${selector}`, { method: "DELETE" })) as { erasure_id: string };
  return erasure.erasure_id;
}

export async function erasures(queryUrl: string): Promise<readonly ErasureAnswer[]> {
  const body = (await answer(`${queryUrl}/erasures`)) as { erasures: ErasureAnswer[] };
  return body.erasures;
}

/** Waits until everything that was asked to be erased is. */
export async function erasuresDone(queryUrl: string, timeoutMs = 300_000): Promise<readonly ErasureAnswer[]> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const all = await erasures(queryUrl);
    if (all.every(({ state }) => state === "done")) return all;
    if (performance.now() > end) throw new Error(`erasures are not done: ${JSON.stringify(all)}`);
    await pause(100);
  }
}

const json = { "content-type": "application/json" };

async function pages(url: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let cursor: string | undefined;
  do {
    const page = (await answer(cursor === undefined ? url : `${url}&cursor=${encodeURIComponent(cursor)}`)) as Page;
    for (const row of page.data) rows.push(row);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return rows;
}

const patienceMs = 120_000;
/** A machine that is too busy: what did not arrive in time, was too much, or what the server stands on does not answer. */
const passing: ReadonlySet<number> = new Set([408, 429, 503]);
/** A server lets go of a connection on which nothing has come for long; who was busy for as long learns of it by asking on it. */
const letGo: ReadonlySet<string> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** As a client does that is told to try again. For what may be asked more than once: it reads, or carries its ids. */
export async function repeated(url: string, init: RequestInit = {}, timeoutMs = 300_000): Promise<Response> {
  for (const end = performance.now() + patienceMs; ; await pause(500)) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch(unlessLetGo);
    if (response !== undefined && (!passing.has(response.status) || performance.now() > end)) return response;
    if (response === undefined && performance.now() > end)
      throw new Error(`${url}: connections are let go again and again`);
    await response?.body?.cancel();
  }
}

function unlessLetGo(error: unknown): undefined {
  const why = error instanceof Error ? error.cause : undefined;
  if (why instanceof Error && "code" in why && letGo.has(String(why.code))) return undefined;
  throw error;
}

/** Erasing is an order each time; everything else may be asked again. */
async function answer(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await (init.method === "DELETE"
    ? fetch(url, { ...init, signal: AbortSignal.timeout(300_000) })
    : repeated(url, init));
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${url}: ${response.status} ${text.slice(0, 2000)}`);
  return JSON.parse(text);
}

/** What `/ready` says, once the store answers it, which it may not do on a busy machine for a moment. */
export async function readiness(
  queryUrl: string,
): Promise<{ status: number; parts: Record<string, Part | undefined> }> {
  for (const end = performance.now() + patienceMs; ; await pause(500)) {
    const response = await fetch(`${queryUrl}/ready`);
    const { parts } = (await response.json()) as { parts: Record<string, Part | undefined> };
    if (parts["store"]?.ok !== false || performance.now() > end) return { status: response.status, parts };
  }
}

interface Part {
  readonly ok: boolean;
  readonly detail?: string;
}

/** An answer in JSON to a question that changes nothing; for two minutes it is asked again where it is refused for the moment. */
export const ask = (url: string): Promise<unknown> => answer(url);
