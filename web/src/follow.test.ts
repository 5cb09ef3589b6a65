import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createElement } from "react";
import { act, create } from "react-test-renderer";
import { seenPage } from "../../test/support/seen-page.ts";
import { WeirError } from "../../client/src/weir.ts";
import type { LiveOptions, LiveState, Subscription } from "../../client/src/weir.ts";
import { useFollowed, useFollowedAnyhow } from "./follow.ts";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Subscriptions that are told what the test says, and a clock that it advances. */
function source(t: TestContext) {
  const { mock } = t;
  const page = seenPage(t);
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now });
  const ways: string[] = [];
  let newest: (next: Partial<LiveState>) => void = () => {};
  const subscribe = (rule: string, listener: (state: LiveState) => void, { over }: LiveOptions = {}): Subscription => {
    ways.push(over ?? "socket");
    let state: LiveState = { rule, status: "connecting", rows: [] };
    newest = (next) => ((state = { rule, status: "connecting", rows: [], ...next }), listener(state));
    return {
      get state() {
        return state;
      },
      unsubscribe: () => {},
    };
  };
  const tell = (next: Partial<LiveState>): Promise<void> => act(async () => newest(next));
  const pass = (ms: number): Promise<void> => act(async () => mock.timers.tick(ms));
  return { page, weir: { subscribe }, ways, tell, pass };
}

type Source = ReturnType<typeof source>;
interface Props {
  readonly weir: Source["weir"];
  readonly isLost?: boolean;
}

function Anyhow({ weir, isLost = false }: Props) {
  const { status, rows, isStream, error } = useFollowedAnyhow({ weir, isLost }, "a");
  return [status, rows.length, isStream ? "stream" : "socket", error?.code].join(" ").trim();
}

function IfAny({ weir, isLost = false }: Props) {
  const { status, isBlocked } = useFollowed({ weir, isLost }, "a", {});
  return `${status} ${isBlocked ? "blocked" : "free"}`;
}

async function drawn(view: (props: Props) => string, props: Props) {
  let root!: ReturnType<typeof create>;
  await act(async () => void (root = create(createElement(view, props))));
  const draw = (isLost: boolean): Promise<void> =>
    act(async () => root.update(createElement(view, { ...props, isLost })));
  return { text: () => root.toJSON(), draw, end: () => act(async () => root.unmount()) };
}

const rows: LiveState["rows"] = [
  { window_start: "2026-01-14T10:00:00Z", window_end: "2026-01-14T11:00:00Z", final: false, value: 1 },
];

test("where no line opens for three seconds, though the server answers, a stream takes the place of the socket", async (t) => {
  const { weir, ways, tell, pass } = source(t);
  const { text, end } = await drawn(Anyhow, { weir });
  await pass(2999);
  assert.equal(text(), "connecting 0 socket");
  await pass(1);
  assert.deepEqual([text(), ways], ["connecting 0 stream", ["socket", "events"]]);
  await tell({ status: "live", rows });
  assert.equal(text(), "live 1 stream");
  await end();
});

test("a server that is slow over a line that is open is not behind something that lets none through", async (t) => {
  const { weir, ways, tell, pass } = source(t);
  const ifAny = await drawn(IfAny, { weir });
  await tell({ opened: true });
  await pass(60_000);
  assert.equal(ifAny.text(), "connecting free");
  // A line that ends before anything has come gets its three seconds as at first.
  await tell({});
  await pass(2999);
  assert.equal(ifAny.text(), "connecting free");
  await pass(1);
  assert.equal(ifAny.text(), "connecting blocked");
  await tell({ opened: true });
  assert.equal(ifAny.text(), "connecting free");
  assert.deepEqual(ways, ["socket"]);
  await ifAny.end();
});

test("when the server is back sockets are tried at once, and what there was is shown meanwhile", async (t) => {
  const { weir, ways, tell, pass } = source(t);
  const { text, draw, end } = await drawn(Anyhow, { weir });
  await pass(3000);
  await tell({ status: "live", rows });
  await draw(true);
  await pass(10_000);
  assert.equal(text(), "live 1 stream");
  await draw(false);
  assert.equal(text(), "stale 1 socket");
  assert.equal(ways.at(-1), "socket");
  await tell({ status: "live", rows: [] });
  assert.equal(text(), "live 0 socket");
  await end();
});

test("the pause that has become long while the server was away is not waited for when it is back", async (t) => {
  const { weir, ways, pass } = source(t);
  const { text, draw, end } = await drawn(Anyhow, { weir, isLost: true });
  await pass(30_000);
  assert.deepEqual([text(), ways.length], ["connecting 0 socket", 1]);
  await draw(false);
  assert.deepEqual([text(), ways], ["connecting 0 socket", ["socket", "socket"]]);
  await end();
});

test("a rule that could not be followed is asked for again, and its error shown until something else comes", async (t) => {
  for (const [code, everyMs] of [
    ["unknown_rule", 5000],
    ["too_large", 15_000],
  ] as const) {
    const { weir, ways, tell, pass } = source(t);
    const { text, draw, end } = await drawn(Anyhow, { weir });
    const ended = { status: "ended", error: new WeirError(code, "it can't be") } as const;
    await tell(ended);
    await pass(everyMs - 1);
    assert.deepEqual([text(), ways.length], [`ended 0 socket ${code}`, 1]);
    await pass(1);
    assert.deepEqual([text(), ways.length], [`ended 0 socket ${code}`, 2]);
    await tell(ended);
    await pass(everyMs);
    assert.equal(ways.length, 3);
    await tell({ status: "live", rows });
    assert.equal(text(), "live 1 socket");
    await pass(60_000);
    assert.equal(ways.length, 3);
    await tell({ ...ended, rows });
    await draw(true);
    await pass(60_000);
    assert.equal(ways.length, 3, "nobody answers");
    await end();
    t.mock.timers.reset();
  }
});

test("nobody asks again for what a page can't follow that is not seen", async (t) => {
  const { page, weir, ways, tell, pass } = source(t);
  const { end } = await drawn(Anyhow, { weir });
  page.hidden = true;
  await tell({ status: "ended", error: new WeirError("unknown_rule", "there is none") });
  await pass(60_000);
  assert.equal(ways.length, 1);
  page.hidden = false;
  await pass(5000);
  assert.equal(ways.length, 2);
  await end();
});

const now = Date.UTC(2026, 0, 14);

/** So many windows of a second, newest first, of which so many have not begun. */
const windows = (count: number, later = 0): LiveState["rows"] =>
  Array.from({ length: count }, (_, index) => ({
    window_start: new Date(now + (later - index) * 1000).toISOString(),
    window_end: new Date(now + (later - index + 1) * 1000).toISOString(),
    final: true,
    value: 1,
  }));

test("of a page that is left open only the newest windows are shown, and those before are let go", async (t) => {
  const { weir, ways, tell } = source(t);
  const { text, end } = await drawn(Anyhow, { weir });
  await tell({ status: "live", rows: windows(50) });
  assert.equal(text(), "live 50 socket");
  await tell({ status: "live", rows: windows(1050) });
  assert.deepEqual([text(), ways.length], ["live 60 socket", 1]);
  await tell({ status: "live", rows: windows(1051) });
  assert.deepEqual([text(), ways.length], ["stale 60 socket", 2]);
  // What begins with many, as where there are windows of times to come, is not begun again for these; nor do they hide the present.
  await tell({ status: "live", rows: windows(5000, 4950) });
  assert.equal(text(), "live 5000 socket");
  await tell({ status: "live", rows: windows(6000, 4950) });
  assert.deepEqual([text(), ways.length], ["live 5010 socket", 2]);
  await end();
});
