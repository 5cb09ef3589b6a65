import assert from "node:assert/strict";
import { test } from "node:test";
import { clientWorld, json, refusal } from "../../test/support/client-world.ts";
import type { Answering, Asked } from "../../test/support/client-world.ts";
import { settled } from "../../test/support/simulated-clock.ts";
import { Http } from "./http.ts";
import { Rules } from "./rules.ts";
import { Events, Stats } from "./stats.ts";
import { Weir } from "./weir.ts";

function make(answer: Answering) {
  const asked: Asked[] = [];
  const { clock, surroundings } = clientWorld((one) => (asked.push(one), answer(one)));
  const http = new Http("http://weir:8001/", surroundings, { headers: { authorization: "x" }, timeoutMs: 5000 });
  return { asked, clock, http };
}

test("a trial is waited for as long as the server takes for one, whatever limit other questions have", async () => {
  const { clock, http } = make(() => new Promise(() => {}));
  let told: unknown;
  const asked = new Rules(http).dryRun({ rule_id: "a", window_size: "1m", metric: "count" });
  asked.catch((error: Error) => (told = error.message));
  await clock.advance(34_999);
  assert.equal(told, undefined);
  await clock.advance(1);
  assert.equal(told, "http://weir:8001 did not answer within 35 s");
});

test("what is no address is refused before anything is asked", () => {
  const { surroundings } = clientWorld(() => json({}));
  const made = (queryUrl: string) => () => new Weir({ queryUrl, surroundings });
  for (const url of ["localhost:8001", "weir", "", "/weir", "ws://weir", "http://"])
    assert.throws(made(url), {
      name: "TypeError",
      message: `"${url}" is not the address of a server, which begins with http:// or https://`,
    });
  Object.assign(globalThis, { location: { href: "https://page/rules/7?a=b" } });
  try {
    const pages = ["", "/", "/weir/"].map(
      (url) => new Http(url, surroundings, { headers: {}, timeoutMs: 1000 }).address,
    );
    assert.deepEqual(pages, ["https://page", "https://page", "https://page/weir"]);
    assert.throws(made("//elsewhere"), TypeError);
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
  for (const url of ["http://weir?a=b", "http://weir/#top", "http://weir/below?"])
    assert.throws(made(url), { name: "TypeError", message: /has a \? or a #/ });
  assert.equal(new Http(" http://weir/ \n", surroundings, { headers: {}, timeoutMs: 1000 }).address, "http://weir");
  for (const url of ["http://weir", "https://weir/below/", "HTTP://[::1]:8001"]) assert.doesNotThrow(made(url));
});

test("an address with a name and a password is refused, and so is what may be one, without telling it to a log", () => {
  const { surroundings } = clientWorld(() => json({}));
  const made = (queryUrl: string) => () => new Weir({ queryUrl, surroundings });
  assert.throws(made("https://ann:secret@weir:8001/below"), {
    name: "TypeError",
    message:
      "the address https://weir:8001 has a name or a password in front, which is never sent: give it in `headers`",
  });
  for (const url of ["ann:secret@weir:8001", "ws://ann:secret@weir", "//ann:secret@weir"])
    assert.throws(made(url), (error) => error instanceof TypeError && !error.message.includes("secret"), url);
  Object.assign(globalThis, { location: { href: "https://ann:secret@page/rules" } });
  try {
    assert.equal(new Http("/weir", surroundings, { headers: {}, timeoutMs: 1000 }).address, "https://page/weir");
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});

test("what can't be written is told as it is, and not as a server that does not answer", async () => {
  const { http, asked } = make(() => json({}));
  const rule = { rule_id: "a", window_size: "1m", metric: "count", top_n: 3n as unknown as number };
  await assert.rejects(new Rules(http).put(rule), { name: "TypeError", message: /BigInt/ });
  await assert.rejects(http.ask({ path: "/status", headers: { "x-name": "Ωmega" } }), TypeError);
  await assert.rejects(http.open({ path: "/status", query: { rule_id: "\ud800" } }), URIError);
  assert.equal(asked.length, 0);
  assert.throws(() => new Weir({ headers: { "x-name": "Ωmega" } }), TypeError);
  for (const timeoutMs of [0, Number.NaN, -1])
    assert.throws(() => new Weir({ timeoutMs }), { name: "TypeError", message: /timeoutMs must be .* not / });
});

test("a refusal is told in the server's words, with its code and how long to wait", async () => {
  const { http } = make(() => refusal(503, "store_unavailable", 3));
  await assert.rejects(http.json({ path: "/status" }), {
    name: "WeirError",
    code: "store_unavailable",
    message: "it is store_unavailable",
    status: 503,
    retryAfterMs: 3000,
    canRetry: true,
  });
});

test("how long to wait is heard from whatever stands in front of Weir, in seconds or as a date", async () => {
  const { clock } = make(() => json({}));
  const inSeconds = (seconds: number): string => new Date(clock.now() + seconds * 1000).toUTCString();
  for (const [headers, retryAfterMs] of [
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": inSeconds(9), date: inSeconds(4) }, 5000],
    [{ "retry-after": inSeconds(9) }, 9000 - (clock.now() % 1000)],
    [{ "retry-after": inSeconds(-9) }, 0],
    [{ "retry-after": inSeconds(1e7) }, undefined],
    [{ "retry-after": "1.5" }, undefined],
    [{}, undefined],
  ] as const) {
    const { http } = make(() => new Response("<html>slowly</html>", { status: 429, headers }));
    const asked = { code: "strange_answer", status: 429, retryAfterMs, canRetry: true };
    await assert.rejects(http.json({ path: "/status" }), asked, JSON.stringify(headers));
  }
});

test("whatever else happens is told with the address", async () => {
  const { http: nobody } = make(() => Promise.reject(new Error("ECONNREFUSED")));
  const gone = { code: "no_answer", message: "no server answers at http://weir:8001; is it running there?" };
  await assert.rejects(nobody.json({ path: "/status" }), gone);

  const { http: silent, clock } = make(() => new Promise(() => {}));
  const late = assert.rejects(silent.json({ path: "/status" }), {
    message: "http://weir:8001 did not answer within 5 s",
  });
  await clock.advance(5000);
  await late;

  for (const [text, status] of [
    ["<html>hello</html>", 200],
    ["", 502],
    ['{"error":"x"}', 404],
  ] as const) {
    const { http: strange } = make(() => new Response(text, { status }));
    await assert.rejects(strange.json({ path: "/status" }), {
      code: "strange_answer",
      message: new RegExp(`GET http://weir:8001/status answered ${status} with .* is it another server\\?`),
    });
  }
});

test("what is refused behind a redirection says where it led: a POST has become a GET on the way", async () => {
  const redirected = (response: Response): Response =>
    Object.defineProperties(response, { redirected: { value: true }, url: { value: "https://weir/ingest?a=b" } });
  const where = / \(http:\/\/weir:8001 redirects to https:\/\/weir\/ingest; give the address that it redirects to\)$/;
  for (const [response, code] of [
    [refusal(405, "method_not_allowed"), "method_not_allowed"],
    [new Response("<html>Log in</html>"), "strange_answer"],
  ] as const) {
    const { http } = make(() => redirected(response));
    await assert.rejects(http.json({ method: "POST", path: "/ingest" }), { code, message: where });
  }
});

test("a signal ends a question with its own reason, before and while it is asked", async () => {
  const { http, asked } = make(() => new Promise(() => {}));
  await assert.rejects(http.json({ path: "/status", signal: AbortSignal.abort(new Error("before")) }), /before/);
  assert.equal(asked.length, 0);
  const off = new AbortController();
  const asking = http.json({ path: "/status", signal: off.signal });
  await settled();
  off.abort(new Error("while"));
  await assert.rejects(asking, /while/);
});

test("a signal ends the request of a stream that has begun, whatever becomes of its body", async () => {
  const { surroundings } = clientWorld(() => json({}));
  const signals: (AbortSignal | null | undefined)[] = [];
  const fetch: typeof surroundings.fetch = async (_url, { signal }) => (
    signals.push(signal),
    new Response(new ReadableStream())
  );
  const http = new Http("http://weir:8001", { ...surroundings, fetch }, { headers: {}, timeoutMs: 1000 });
  const off = new AbortController();
  await http.open({ path: "/live-stats", signal: off.signal });
  assert.equal(signals[0]?.aborted, false);
  off.abort();
  assert.equal(signals[0]?.aborted, true);
});

test("a refusal of a stream whose text does not end is given up in time, and by a signal", async () => {
  const { clock, surroundings } = clientWorld(() => json({}));
  const fetch: typeof surroundings.fetch = (_url, { signal }) => {
    const start = (body: ReadableStreamDefaultController): void =>
      signal?.addEventListener("abort", () => body.error(new Error("aborted")));
    return Promise.resolve(new Response(new ReadableStream({ start }), { status: 503 }));
  };
  const http = new Http("http://weir", { ...surroundings, fetch }, { headers: {}, timeoutMs: 5000 });
  const told: string[] = [];
  const off = new AbortController();
  for (const signal of [undefined, off.signal])
    http.open({ path: "/live-stats", signal }).catch(({ message }: Error) => told.push(message));
  await settled();
  off.abort(new Error("enough"));
  await settled();
  assert.deepEqual(told, ["enough"]);
  await clock.advance(5000);
  assert.deepEqual(told, ["enough", "http://weir did not answer within 5 s"]);
});

test("a stream that is refused says why", async () => {
  const { http } = make(() => refusal(404, "unknown_rule"));
  await assert.rejects(http.open({ path: "/live-stats" }), { code: "unknown_rule", status: 404 });
});

test("rules are asked for by their routes and conditions", async () => {
  const { http, asked } = make(({ url }) =>
    json(url.pathname.endsWith("s") && url.search === "" ? { rules: [], versions: [] } : {}),
  );
  const rules = new Rules(http);
  const rule = { rule_id: "a b", window_size: "1m", metric: "count" };
  await rules.list();
  await rules.get("a b");
  await rules.put(rule);
  await rules.put(rule, { ifMatch: 3 });
  await rules.put(rule, { ifNew: true });
  await rules.dryRun(rule);
  await rules.patch("a/b", { filter: null }, { ifMatch: 4 });
  await rules.delete("b", { ifMatch: { version: 2, changed_at: "2026-01-13T10:00:00Z" } });
  await rules.delete("a");
  await rules.versions("a");
  await rules.apply({ rules: [rule] }, { deleteOthers: true, dryRun: true, ifMatch: "ab" });
  const told = asked.map(({ method, url, headers }) =>
    [method, url.pathname + url.search, headers.get("if-match"), headers.get("if-none-match")]
      .filter(Boolean)
      .join(" "),
  );
  assert.deepEqual(told, [
    "GET /aggregation-rules",
    "GET /aggregation-rule/a%20b",
    "POST /aggregation-rule",
    'POST /aggregation-rule "3"',
    "POST /aggregation-rule *",
    "POST /aggregation-rule?dry_run=true",
    'PATCH /aggregation-rule/a%2Fb "4"',
    'DELETE /aggregation-rule/b "2@2026-01-13T10:00:00Z"',
    "DELETE /aggregation-rule/a",
    "GET /aggregation-rule/a/versions",
    'PUT /aggregation-rules?delete=true&dry_run=true "ab"',
  ]);
  assert.deepEqual(JSON.parse(asked[6]!.body), { filter: null });
  assert.ok(asked.every(({ headers }) => headers.get("authorization") === "x"));
});

test("a rule without a name is refused as others are, to whoever catches that of the promise", async () => {
  const { http, asked } = make(() => json({}));
  const rules = new Rules(http);
  const calls = [rules.get(""), rules.patch("", {}), rules.delete(""), rules.rebuild(""), rules.verify("")];
  for (const call of [...calls, rules.versions("")]) await assert.rejects(call, { code: "unknown_rule" });
  await assert.rejects(new Weir().ingest([], { requestsMax: 0 }), TypeError);
  assert.equal(asked.length, 0);
});

test("the tag of the document is the same by way of who compresses in between, and what is no document is told as such", async () => {
  const tagged = make(() => json({ rules: [] }, 200, { etag: `W/"ab"` }));
  assert.deepEqual(await new Rules(tagged.http).document(), { rules: [], tag: "ab" });
  const { http } = make(() => new Response("<html>Log in</html>"));
  await assert.rejects(new Rules(http).document(), { code: "strange_answer", status: 200 });
});

test("every page is asked for when the one before has been used, with the same question", async () => {
  const { http, asked } = make(({ url }) => {
    const page = Number(url.searchParams.get("cursor") ?? 0);
    return json({ data: [{ value: page }], ...(page < 2 && { next_cursor: String(page + 1) }) });
  });
  const values: unknown[] = [];
  const groups = { "payload.country": "DE", user_id: 7, "payload.x": null };
  for await (const row of new Stats(http).rows({ rule: "r", from: new Date(0), to: 5, groups })) {
    values.push(row.value);
    assert.equal(asked.length, values.length);
  }
  assert.deepEqual(values, [0, 1, 2]);
  const query = "limit=1000&rule_id=r&start_time=1970-01-01T00:00:00.000Z&end_time=5&group.payload.country=DE";
  assert.deepEqual(
    [...asked[2]!.url.searchParams].map((pair) => pair.join("=")).sort(),
    [...query.split("&"), "user_id=7", "null_group=payload.x", "cursor=2"].sort(),
  );
  await new Events(http).page({ event_id: "e", to: 9 });
  assert.equal(asked[3]!.url.search, "?event_id=e&end_time=9");
});
