import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { RuleBody } from "../../src/protocol/rules.ts";
import { StatsParameters } from "../../src/protocol/stats.ts";
import {
  allEvents,
  allStats,
  deleteRule,
  erasuresDone,
  postCounted,
  putRule,
  repeated,
  rules,
  rulesSettled,
} from "../support/api.ts";
import { attacks, hostileKeys, hostileValues } from "../support/hostile.ts";
import { type ServerProcess, endedInOrder, startServer } from "../support/server-process.ts";
import { converse } from "../support/socket.ts";
import { inventory, Traps } from "../support/traps.ts";
import { canaryRules, isCanary, plainEvent, start } from "./canary.ts";
import {
  type Sent,
  asAnswered,
  byKeys,
  chunks,
  eventsOf,
  filtered,
  inner,
  sortedBy,
  topUsers,
  withoutPlace,
} from "./hostile-events.ts";
import { everywhere, parameterSlots, type RuleSlot, ruleSlots, statsParameters } from "./slots.ts";

const end = start + 86_400_000;

describe("no text of a client is taken for anything but a text", () => {
  let server: ServerProcess;
  let dataDir: string;
  let traps: Traps;
  let texts: readonly string[];
  let furnished: object;
  let canary: object[];
  let stored: object[];

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-injection-"));
    traps = await Traps.set();
    texts = [...new Set([...attacks(traps.places), ...hostileValues, ...hostileKeys])];
    server = await startServer({ dataDir });
    for (const { reading: _, ...rule } of canaryRules) await putRule(server.queryUrl, rule);
    await postCounted(
      server.ingestUrl,
      Array.from({ length: 100 }, (_, index) => plainEvent(index)),
    );
    [canary, stored] = [await windows("canary"), await allEvents(server.queryUrl, 0, end)];
    await endedInOrder(server);
    furnished = await inventory(dataDir);
    server = await startServer({ dataDir });
  });
  after(async () => {
    await server.killGroup();
    await traps.remove();
    await rm(dataDir, { recursive: true, force: true });
  });

  const windows = (rule: string): Promise<Record<string, unknown>[]> => allStats(server.queryUrl, rule, start, end);

  /** Asks, and looks whether the answer has the one shape and tells nothing of the inside. */
  const ask = async (url: string, init: RequestInit, where: string): Promise<Answer> => {
    const response = await repeated(url, init);
    const text = await response.text();
    traps.checkAnswer(text, where);
    for (const [name] of response.headers) assert.ok(!/canary|set-cookie/i.test(name), `${where}: header ${name}`);
    if (response.ok) return { status: response.status, problems: [], text };
    assert.ok(response.status < 500, `${where}: ${response.status} ${text.slice(0, 500)}`);
    const { error } = JSON.parse(text) as { error: { code: string; message: string; details: unknown } };
    assert.ok(error.code !== "" && error.message !== "", where);
    const problems = Array.isArray(error.details) ? (error.details as { path: string; message: string }[]) : [];
    return { status: response.status, problems, text };
  };
  const post = (path: string, body: unknown, where: string): Promise<Answer> =>
    ask(`${server.queryUrl}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) }, where);

  test("in every place of a rule and of a question", () => {
    const [fields, slots] = [Object.keys(RuleBody.properties), ruleSlots.map(({ name }) => name)];
    assert.deepEqual(
      fields.filter((name) => !slots.includes(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(StatsParameters.properties).filter((name) => !statsParameters.includes(name)),
      [],
    );
  });

  test("in a rule: refused at its place, or kept as it is", async () => {
    for (const slot of ruleSlots) for (const text of texts) await attackRule(slot, text);
    await deleteRule(server.queryUrl, "attacked");
    const kept = (await rules(server.queryUrl)).map(({ rule_id }) => rule_id);
    assert.deepEqual(
      kept.filter((id) => !isCanary(id) && !texts.includes(id)),
      [],
    );
    for (const id of kept.filter((id) => !isCanary(id))) await deleteRule(server.queryUrl, id);
    traps.check();
  });

  async function attackRule(slot: RuleSlot, text: string): Promise<void> {
    const where = `${slot.name}: ${JSON.stringify(text)}`;
    const { status, problems } = await post("/aggregation-rule", slot.rule(text), where);
    if (status === 200 || status === 201) return;
    assert.equal(status, 422, where);
    assert.ok(problems.length > 0 && problems.every(({ message }) => message !== ""), where);
    assert.ok(
      problems.some(({ path }) => slot.path.test(path)),
      `${where}: ${JSON.stringify(problems)}`,
    );
    const tooLong = Buffer.byteLength(text) > (slot.name.startsWith("key") ? 128 : 1024);
    if (slot.free === true) assert.ok(tooLong, `${where} is refused: ${JSON.stringify(problems)}`);
  }

  test("in every place of a rule that is tried: it counts what it should", async () => {
    for (const text of texts.filter((one) => Buffer.byteLength(one) <= 128)) {
      const { status, text: body } = await post("/aggregation-rule?dry_run=true", everywhere(text), `tried ${text}`);
      assert.equal(status, 200, `${text}: ${body}`);
      // Every event passes the filter, and none has the field.
      assert.equal((JSON.parse(body) as { skipped: number }).skipped, 100, text);
    }
    traps.check();
  });

  test("in a change of a rule: refused at its place", async () => {
    for (const name of ["window_size", "metric", "filter", "group_by", "version", "decimals"])
      for (const text of texts) {
        // A filter that lets everything through.
        if (text === "true") continue;
        const init = { method: "PATCH", headers: json, body: JSON.stringify({ [name]: text }) };
        const { status, problems } = await ask(`${server.queryUrl}/aggregation-rule/canary`, init, `${name}: ${text}`);
        assert.equal(status, 422, `${name}: ${text}`);
        assert.ok(
          problems.some(({ path }) => path.startsWith(name)),
          `${name}: ${text}: ${JSON.stringify(problems)}`,
        );
      }
    traps.check();
  });

  test("in a question: refused by name, or no row", async () => {
    for (const [index, text] of texts.entries()) {
      const value = encodeURIComponent(text);
      for (const name of statsParameters) await attackParameter(name, text);
      // The formats have ways of their own into the engine; each text goes one of them.
      const format = index % 2 === 0 ? "json" : "csv";
      const { rule_id, reading } = canaryRules[index % canaryRules.length]!;
      for (const name of ["event_type", "user_id", "group.payload.a"]) {
        const query = `rule_id=${rule_id}&start_time=${start}&end_time=${end}&${name}=${value}&format=${format}${reading}`;
        const answered = await ask(`${server.queryUrl}/stats?${query}`, {}, `${name}=${text}`);
        assert.equal(answered.status, 200, `${name}=${text}`);
        const rows = format === "json" ? '"count":0,' : /^[^\n]*\n$/;
        assert.match(answered.text, new RegExp(rows), `${name}=${text}`);
      }
      assert.equal((await ask(`${server.queryUrl}/stats?rule_id=canary&${value}=1`, {}, `name ${text}`)).status, 400);
    }
    traps.check();
  });

  async function attackParameter(name: string, text: string): Promise<void> {
    const value = encodeURIComponent(text);
    const query = name === "rule_id" ? `rule_id=${value}` : `rule_id=canary&${name}=${value}`;
    const { status, problems } = await ask(`${server.queryUrl}/stats?${query}`, {}, `${name}=${text}`);
    if (name === "rule_id" && status === 404) return;
    // A number is right in some places.
    if (text === "7" && (status === 200 || status === 404)) return;
    assert.equal(status, 400, `${name}=${text}`);
    assert.ok(
      problems.some(({ path }) => path === name),
      `${name}=${text}: ${JSON.stringify(problems)}`,
    );
  }

  async function attackOtherParameters(text: string): Promise<void> {
    for (const [part, url] of [
      ["query", server.queryUrl],
      ["ingest", server.ingestUrl],
    ] as const)
      for (const [method, address] of parameterSlots[part]) {
        // `true` is right in some places, and a number in others.
        if (text === "true" || text === "7") continue;
        const init = method === "GET" || method === "DELETE" ? { method } : { method, headers: json, body: "[]" };
        const { status } = await ask(
          `${url}${address.replace("%s", encodeURIComponent(text))}`,
          init,
          `${address} ${text}`,
        );
        assert.equal(status, 400, `${address} ${text}`);
      }
  }

  test("in an address, a token, a header, a message: refused", async () => {
    for (const text of texts) {
      const value = encodeURIComponent(text);
      await attackOtherParameters(text);
      for (const [method, path] of [
        ["GET", ""],
        ["DELETE", ""],
        ["PATCH", ""],
        ["GET", "/versions"],
        ["GET", "/verification"],
        ["POST", "/rebuild"],
      ] as const) {
        const body = method === "PATCH" ? { headers: json, body: '{"active":false}' } : {};
        const { status } = await ask(
          `${server.queryUrl}/aggregation-rule/${value}${path}`,
          { method, ...body },
          `${method} ${text}`,
        );
        assert.ok([400, 404, 405].includes(status), `${method} ${text}: ${status}`);
      }
      const erasure = await ask(`${server.queryUrl}/erasures/${value}`, {}, `erasure ${text}`);
      assert.ok([400, 404].includes(erasure.status), `erasure ${text}: ${erasure.status}`);
      for (const name of ["event_id", "event_type", "user_id"]) {
        const { status, text: body } = await ask(`${server.queryUrl}/events?${name}=${value}`, {}, `${name}=${text}`);
        if (status === 200) assert.equal((JSON.parse(body) as { count: number }).count, 0, `${name}=${text}`);
        else assert.equal(status, 400);
      }
      assert.equal((await ask(`${server.ingestUrl}/ingest/status?token=${value}`, {}, `token ${text}`)).status, 400);
      for (const name of ["if-match", "content-type", "content-encoding", "last-event-id", "origin", "host"])
        await attackHeader(name, text);
    }
    const socket = new WebSocket(`${server.queryUrl.replace("http", "ws")}/live-stats`);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    for (const text of texts) await attackSocket(socket, text);
    socket.close();
    traps.check();
  });

  /** No client would send such a header: over a bare connection, with a change that changes nothing. */
  async function attackHeader(name: string, text: string): Promise<void> {
    const own = name === "content-type" ? "" : "content-type: application/json\r\n";
    const connection = converse(Number(new URL(server.queryUrl).port));
    connection.write(
      `PATCH /aggregation-rule/canary HTTP/1.1\r\nconnection: close\r\n${own}content-length: 15\r\n${name}: ${text}\r\n\r\n{"active":true}`,
    );
    const answered = await connection.closed;
    traps.checkAnswer(answered, `${name}: ${text}`);
    assert.match(answered, /^HTTP\/1\.1 [24]\d\d /, `${name}: ${text}`);
  }

  test("in a document of rules: refused at its place, or kept as it is", async () => {
    const put = (rules: readonly object[], query: string, where: string): Promise<Answer> => {
      const init = { method: "PUT", headers: json, body: JSON.stringify({ rules }) };
      return ask(`${server.queryUrl}/aggregation-rules${query}`, init, where);
    };
    for (const text of texts) {
      const all = ruleSlots.map(({ rule }, at) => {
        const made = { ...rule(text) } as { rule_id: string };
        return made.rule_id === "attacked" ? { ...made, rule_id: `attacked.${at}` } : made;
      });
      const { status, problems } = await put(all, "?dry_run=true", text);
      assert.equal(status, 422, text);
      for (const { path } of problems) {
        const [, at, place] = /^rules\[(\d+)\]\.?([^]*)$/.exec(path) ?? [];
        assert.match(place ?? "", ruleSlots[Number(at)]!.path, `${text}: ${path}`);
      }
    }
    const short = texts.filter((text) => Buffer.byteLength(text) <= 128);
    const named = short.map((text, at) => ({ ...everywhere(text), rule_id: `document.${at}`, active: false }));
    assert.equal((await put(named, "", "all")).status, 200);
    for (const { rule_id } of named) await deleteRule(server.queryUrl, rule_id);
    traps.check();
  });

  test("in an erasure: nobody is found by it", async () => {
    const values = texts.filter((text) => text !== "" && text.length <= 256);
    for (const name of ["user_id", "event_id"])
      for (let at = 0; at < values.length; at += 100) {
        const some = values.slice(at, at + 100).map((text) => `${name}=${encodeURIComponent(text)}`);
        const url = `${server.queryUrl}/events?${some.join("&")}`;
        assert.equal((await ask(url, { method: "DELETE" }, name)).status, 202);
      }
    const none = await erasuresDone(server.queryUrl);
    assert.deepEqual(
      none.filter(({ events }) => events !== 0),
      [],
    );
    for (const text of ["", "x".repeat(257)]) {
      const url = `${server.queryUrl}/events?user_id=${text}`;
      assert.equal((await ask(url, { method: "DELETE" }, `erase ${text}`)).status, 400);
    }
    traps.check();
  });

  async function attackSocket(socket: WebSocket, text: string): Promise<void> {
    const messages = [{ subscribe_rules: [text] }, { mode: text }, { interval_ms: text }, { [text]: 1 }];
    for (const message of messages) {
      const answer = new Promise<string>((resolve) =>
        socket.addEventListener("message", (event) => resolve(String(event.data)), { once: true }),
      );
      // Every mistake is answered, and slower than the socket's bound on messages.
      socket.send(JSON.stringify(message));
      const told = await answer;
      traps.checkAnswer(told, `message ${JSON.stringify(message)}`);
      assert.equal((JSON.parse(told) as { type: string }).type, "error", told);
    }
  }

  describe("in an event", () => {
    const hour = start + 3_600_000;
    let keys: readonly string[];
    let sent: readonly Sent[];

    before(async () => {
      keys = texts.filter((text) => Buffer.byteLength(text) <= 128);
      sent = eventsOf(texts, keys, hour);
      for (const [at, some] of chunks(keys, 6).entries()) await putRule(server.queryUrl, byKeys(`keys.${at}`, some));
      for (const [at, some] of chunks(keys, 6).entries())
        await putRule(server.queryUrl, filtered(`filter.${at}`, some));
      await putRule(server.queryUrl, topUsers);
      await postCounted(server.ingestUrl, sent);
      await rulesSettled(server.queryUrl);
    });

    test("it is stored as it came, and found by its id", async () => {
      const found = await allEvents(server.queryUrl, hour, hour + 1);
      assert.deepEqual(sortedBy(found.map(withoutPlace)), sortedBy(sent.map(asAnswered)));
      for (const event of sent) {
        const url = `${server.queryUrl}/events?event_id=${encodeURIComponent(event.event_id)}`;
        const { data } = JSON.parse((await ask(url, {}, event.event_id)).text) as { data: object[] };
        assert.deepEqual(data.map(withoutPlace), [asAnswered(event)]);
      }
    });

    test("it is a group of its own, by type, user and keys, and a value", async () => {
      for (const [at, some] of chunks(keys, 6).entries()) {
        const rows = await windows(`keys.${at}`);
        assert.equal(rows.length, sent.length);
        for (const row of rows) {
          const event = sent.find(({ event_type }) => event_type === row["event_type"]);
          assert.ok(event, JSON.stringify(row));
          assert.deepEqual([row["user_id"], row["value"]], [event.user_id, event.payload.text]);
          for (const key of some) assert.equal(row[inner(key)], event.payload.under[key], key);
        }
      }
      const expected = sent.map(({ payload, user_id }) => [payload.text, [{ value: user_id, count: 1 }]]);
      const top = (await windows("top")).map((row) => [row["payload.text"], row["value"]]);
      assert.deepEqual(sortedBy(top), sortedBy(expected));
    });

    test("it is what a filter compares with", async () => {
      for (const [at, some] of chunks(keys, 6).entries()) {
        const [row, ...more] = await windows(`filter.${at}`);
        const passing = sent.filter(({ payload }) => some.includes(payload.text));
        assert.deepEqual([row?.["value"], more.length], [passing.length, 0]);
      }
    });

    test("it is the same when the rule is only tried", async () => {
      for (const [at, some] of chunks(keys, 6).entries())
        for (const rule of [byKeys(`tried.${at}`, some), filtered(`tried.${at}`, some)])
          assert.equal((await post("/aggregation-rule?dry_run=true", rule, `dry run ${at}`)).status, 200);
    });

    test("it is asked for by its name", async () => {
      for (const { event_type, user_id } of sent) {
        const names = `event_type=${encodeURIComponent(event_type)}&user_id=${encodeURIComponent(user_id)}`;
        const url = `${server.queryUrl}/stats?rule_id=keys.0&start_time=${start}&end_time=${end}&${names}`;
        assert.match((await ask(url, {}, names)).text, /"count":1,/, names);
      }
      traps.check();
    });
  });

  test("and after all of it everything else is as it was", async () => {
    assert.deepEqual(await windows("canary"), canary);
    assert.deepEqual(await allEvents(server.queryUrl, 0, start + 3_600_000), stored);
    await endedInOrder(server);
    const { mutations, ...others } = await inventory(dataDir);
    assert.deepEqual({ ...others, mutations: mutations.filter((one) => !isOfErasures(one)) }, furnished);
    traps.check();
  });
});

/** What erasures do where they have found nothing. */
const isOfErasures = ({ table, command }: { readonly table: string; readonly command: string }): boolean =>
  table === "rejects"
    ? command === "(APPLY DELETED MASK)"
    : table === "erasing" &&
      /^\(DELETE WHERE erasure IN _CAST\(\[('[0-9a-f-]{36}'(, )?)+\], 'Array\(String\)'\)\)$/.test(command);

interface Answer {
  readonly status: number;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  readonly text: string;
}

const json = { "content-type": "application/json" };
