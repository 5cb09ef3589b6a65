import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { deleteRule, putRule, rules } from "../support/api.ts";
import { type HttpAnswer, HttpClient, type HttpRequest } from "../support/http-client.ts";
import { type MemoryPeak, watchMemory } from "../support/memory-peak.ts";
import { type ServerProcess, endedInOrder, startServer } from "../support/server-process.ts";
import { faultRules } from "./fault-events.ts";
import { type IngestMutant, ingestMutant } from "./mutants/ingest-mutants.ts";
import { Judge } from "./mutants/judge.ts";
import { LivePlayer } from "./mutants/live-mutants.ts";
import { described, isPassing, playAll, wrongAnswer } from "./mutants/play.ts";
import { type GoodTexts, queryMutant } from "./mutants/query-mutants.ts";
import { ruleMutant, victim } from "./mutants/rule-mutants.ts";
import { mutants, numbersOf, seed } from "./mutants/settings.ts";
import { numberOf } from "./poison.ts";

/** One that took longer, or met an engine that was silent for a moment, is played again, one after the other. */
const answerMsMax = 3000;
/** Of what can't be played twice: what a busy machine may make of it. */
const takenMsMax = 60_000;
/** One request of good events to so many mutants. */
const goodEvery = 50;
/** So many rules are tried before those that were taken must have counted. */
const rulesAtATime = 150;
const countedMsMax = 300_000;
/** While they are sent, however many; and until everything was read afterwards, in pages of ten thousand events. */
const memoryMaxMiB = { sent: 256, read: 320 };
const attemptsMax = 5;
/** So many may meet 503: all that are on their way while the engine is silent for a moment, and again. */
const busyMax = Math.max(10, mutants / 1000);

/** R20 of the fault matrix. `WEIR_SEED` repeats a run, `WEIR_MUTANTS=200000` is the long form. */
describe(`${mutants} broken requests break nothing (WEIR_SEED=${seed})`, () => {
  const now = Date.now();
  const slowest = { ms: 0 };
  /** What was answered 503 at first. */
  const busy = new Set<HttpRequest>();
  let again: Promise<string | undefined> = Promise.resolve(undefined);
  let dataDir: string;
  let server: ServerProcess;
  let judge: Judge;
  let memory: MemoryPeak;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-mutants-"));
    server = await startServer({ dataDir });
    judge = new Judge(server, seed, now);
    for (const rule of [...faultRules, victim]) await putRule(server.queryUrl, { ...rule, active: true });
    memory = watchMemory(server.pid);
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function send(client: HttpClient, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await client.send(request);
    slowest.ms = Math.max(slowest.ms, answer.ms);
    if (answer.status === 503) busy.add(request);
    return answer;
  }

  /** Plays a request whose answer needs no more than to be right in itself. */
  async function playPlain(client: HttpClient, number: number, request: HttpRequest): Promise<string | undefined> {
    const answer = await send(client, request);
    const wrong = wrongAnswer(answer, answerMsMax);
    if (wrong === undefined) return undefined;
    return isPassing(answer) ? playAgain(client, number, request) : described(number, wrong, request, answer);
  }

  /** Whether it is slow, or answered 503, was the machine's doing, or is the mutant's. */
  function playAgain(
    client: HttpClient,
    number: number,
    request: HttpRequest,
    alsoWrong: (answer: HttpAnswer) => string | undefined = () => undefined,
  ): Promise<string | undefined> {
    return (again = again.then(async () => {
      for (let attempt = 1; ; attempt++) {
        const answer = await send(client, request);
        const wrong = wrongAnswer(answer, answerMsMax) ?? alsoWrong(answer);
        if (wrong === undefined) return undefined;
        if (!isPassing(answer) || attempt === attemptsMax) return described(number, wrong, request, answer);
        await pause(1000);
      }
    }));
  }

  test("of events: each is taken or refused as the contract says, and what is taken is counted once", async (t) => {
    const client = new HttpClient(server.ingestUrl, 16);
    const play = async (number: number): Promise<string | undefined> => {
      if (number % goodEvery === 0) await judge.sendGood();
      return playIngest(client, number, ingestMutant(seed, number, now));
    };
    assert.deepEqual(await playAll(numbersOf("events"), 16, play), []);
    client.close();
    await judge.verify();
    tell(t);
  });

  async function playIngest(client: HttpClient, number: number, mutant: IngestMutant): Promise<string | undefined> {
    const { request, taken } = mutant;
    if (taken && judge.isAmbiguous(taken)) return undefined;
    const events = judge.sent(taken ?? []);
    const answer = await send(client, request);
    const isTaken = answer.status === 200;
    judge.ledger.settled(events, isTaken ? "acknowledged" : "refused");
    const should = taken === undefined ? "must be refused" : `must be taken, ${taken.length} events of it`;
    // What must be refused leaves nothing, so that it can be played again.
    if (taken === undefined && !isTaken && wrongAnswer(answer, answerMsMax) !== undefined && isPassing(answer))
      return playAgain(client, number, request, (again) => (again.status === 200 ? should : undefined));
    const wrong = wrongAnswer(answer, takenMsMax) ?? (isTaken === (taken !== undefined) ? undefined : should);
    return wrong && described(number, wrong, request, answer);
  }

  test("of rules: each is made or refused, and whatever is made, counting goes on", async (t) => {
    const client = new HttpClient(server.queryUrl, 8);
    const numbers = numbersOf("rules");
    for (let first = 0; first < numbers.length; first += rulesAtATime) {
      const some = numbers.slice(first, first + rulesAtATime);
      const play = (number: number): Promise<string | undefined> => playPlain(client, number, ruleMutant(seed, number));
      assert.deepEqual(await playAll(some, 8, play), []);
      await countedWithAll(`mutants ${some[0]} to ${some.at(-1)} (WEIR_SEED=${seed})`);
      await deleteMutants();
    }
    client.close();
    tell(t);
  });

  async function countedWithAll(where: string): Promise<void> {
    const over = pause(countedMsMax, "over", { ref: false });
    const went = await Promise.race([judge.counted(), over]);
    assert.notEqual(went, "over", `counting stands still with the rules of ${where}`);
  }

  async function deleteMutants(): Promise<void> {
    const kept = new Set([...faultRules, victim].map(({ rule_id }) => rule_id));
    const made = (await rules(server.queryUrl)).filter(({ rule_id }) => !kept.has(rule_id));
    await Promise.all(made.map(({ rule_id }) => deleteRule(server.queryUrl, encodeURIComponent(rule_id))));
  }

  test("of questions: each is answered or refused", async (t) => {
    const clients = { ingest: new HttpClient(server.ingestUrl, 8), query: new HttpClient(server.queryUrl, 8) };
    const good = await goodTexts(server, judge, now);
    const play = (number: number): Promise<string | undefined> => {
      const { port, request } = queryMutant(seed, number, good);
      return playPlain(clients[port], number, request);
    };
    assert.deepEqual(await playAll(numbersOf("questions"), 8, play), []);
    for (const client of Object.values(clients)) client.close();
    tell(t);
  });

  test("of live messages: each is answered, or the socket closed with the reason", async (t) => {
    const players = Array.from({ length: 8 }, () => new LivePlayer(server.queryUrl, seed));
    const play = async (number: number): Promise<string | undefined> => {
      const player = players.pop()!;
      const finding = await player.play(number);
      players.push(player);
      return finding;
    };
    assert.deepEqual(await playAll(numbersOf("messages"), 8, play), []);
    for (const player of players) player.close();
    tell(t);
  });

  test("and afterwards everything is as the ledger says, in bounded memory, and it stops in order", async (t) => {
    const sent = memory.grownMiB();
    assert.ok(sent <= memoryMaxMiB.sent, `${sent} MiB more at the most`);
    await judge.verify();
    tell(t);
    const read = memory.grownMiB();
    assert.ok(read <= memoryMaxMiB.read, `${read} MiB more at the most, ${sent} until everything was read`);
    assert.ok(busy.size <= busyMax, `${busy.size} requests were answered 503 at first, ${busyMax} may be`);
    assert.equal(await numberOf(server.queryUrl, "weir_engine_restarts"), 0, "the engine had to be started again");
    await endedInOrder(server);
  });

  function tell(t: TestContext): void {
    const facts = { slowestMs: Math.round(slowest.ms), busy: busy.size, grownMiB: memory.grownMiB() };
    t.diagnostic(`WEIR_SEED=${seed} ${JSON.stringify({ ...judge.ledger.summary(), ...facts })}`);
  }
});

/** A token and cursors that are right, to be broken. */
async function goodTexts(server: ServerProcess, judge: Judge, now: number): Promise<GoodTexts> {
  const cursorOf = async (path: string): Promise<string> => {
    const page = (await (await fetch(`${server.queryUrl}${path}`)).json()) as { next_cursor?: string };
    return page.next_cursor ?? "";
  };
  const statsCursor = await cursorOf(`/stats?rule_id=count_by_type&start_time=0&end_time=${now}&limit=2`);
  return { token: await judge.sendGood(), statsCursor, eventsCursor: await cursorOf("/events?limit=2"), now };
}
