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
  const response = await fetch(`${queryUrl}/aggregation-rule/${ruleId}`, {
    method: "DELETE",
    signal: AbortSignal.timeout(300_000),
  });
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
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Sends events and waits until they, and so everything acknowledged before them, are counted. */
export async function postCounted(ingestUrl: string, events: readonly object[]): Promise<void> {
  const url = `${ingestUrl}/ingest?wait=counted`;
  const body = (await answer(url, { method: "POST", headers: json, body: JSON.stringify(events) }, 300_000)) as {
    token: string;
  };
  await untilCounted(ingestUrl, body.token, 5);
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
  const { events, duplicates } = (await answer(`${queryUrl}/status`)) as { events: number; duplicates: number };
  return { events, duplicates };
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

/** Waits until no rule is being filled. Fills give way to all else, so that a busy machine takes its time. */
export async function rulesSettled(queryUrl: string, timeoutMs = 600_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const open = (await rules(queryUrl)).filter((rule) => rule.state !== "live" && rule.state !== "paused");
    if (open.length === 0) return;
    if (performance.now() > end) throw new Error(`rules still being filled: ${JSON.stringify(open)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
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
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const json = { "content-type": "application/json" };

async function pages(url: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let cursor: string | undefined;
  do {
    const page = (await again(cursor === undefined ? url : `${url}&cursor=${encodeURIComponent(cursor)}`)) as Page;
    for (const row of page.data) rows.push(row);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return rows;
}

/** As a client does that is told to try again: on a machine that is too busy the store may not answer for a moment. */
async function again(url: string): Promise<unknown> {
  for (const end = performance.now() + 120_000; ;) {
    try {
      return await answer(url);
    } catch (error) {
      if (!String(error).includes(": 503 ") || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/**
 * Reads an answer. A server lets go of a connection on which nothing has come for long, and a test that was busy for as long
 * learns of it only by asking on it: what changes nothing is asked again then.
 */
export async function get(url: string, timeoutMs = 300_000): Promise<Response> {
  const asked = (): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  return asked().catch((error: unknown) => {
    const why = error instanceof Error ? error.cause : undefined;
    if (why instanceof Error && "code" in why && why.code === "UND_ERR_SOCKET") return asked();
    throw error;
  });
}

async function answer(url: string, init?: RequestInit, timeoutMs = 300_000): Promise<unknown> {
  const response =
    init === undefined
      ? await get(url, timeoutMs)
      : await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${url}: ${response.status} ${text.slice(0, 2000)}`);
  return JSON.parse(text);
}
