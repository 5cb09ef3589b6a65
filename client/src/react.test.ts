import assert from "node:assert/strict";
import { test } from "node:test";
import { StrictMode, createElement } from "react";
import { renderToString } from "react-dom/server";
import { act, create } from "react-test-renderer";
import { settled } from "../../test/support/simulated-clock.ts";
import type { LiveOptions, Subscription } from "./live/live.ts";
import type { LiveState } from "./live/state.ts";
import { useLive } from "./react.ts";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Subscriptions that are told what the test says. */
function source() {
  const open = new Map<string, { options: LiveOptions; tell: (state: LiveState) => void }>();
  const calls: string[] = [];
  const subscribe = (rule: string, listener: (state: LiveState) => void, options: LiveOptions = {}): Subscription => {
    calls.push(`+${rule}`);
    let state: LiveState = { rule, status: "connecting", rows: [] };
    open.set(rule, { options, tell: (next) => ((state = next), listener(next)) });
    const unsubscribe = (): void => void (calls.push(`-${rule}`), open.delete(rule));
    return {
      get state() {
        return state;
      },
      unsubscribe,
    };
  };
  const tell = (rule: string, value: number): void => {
    const row = { window_start: "2026-01-14T10:00:00Z", window_end: "2026-01-14T11:00:00Z", final: false, value };
    open.get(rule)?.tell({ rule, status: "live", rows: [row] });
  };
  return { weir: { subscribe }, open, calls, tell };
}

type Source = ReturnType<typeof source>;

function Value({ weir, rule, options }: { weir: Source["weir"]; rule: string; options?: LiveOptions }) {
  const { status, rows } = useLive(weir, rule, options);
  return `${rule} ${status} ${rows.map(({ value }) => JSON.stringify(value)).join()}`;
}

const drawn = async (draw: () => unknown): Promise<void> =>
  act(async () => {
    draw();
    await settled();
  });

test("a component is drawn again with each state, follows another rule, and ends its subscription", async () => {
  const { weir, calls, tell, open } = source();
  let root!: ReturnType<typeof create>;
  await drawn(
    () => (root = create(createElement(Value, { weir, rule: "a", options: { intervalMs: 100, from: new Date(0) } }))),
  );
  assert.equal(root.toJSON(), "a connecting ");
  assert.deepEqual(open.get("a")?.options, { intervalMs: 100, from: "1970-01-01T00:00:00.000Z" });
  await drawn(() => tell("a", 1));
  await drawn(() => tell("a", 2));
  assert.equal(root.toJSON(), "a live 2");
  // Other objects that say the same are no other subscription.
  await drawn(() =>
    root.update(createElement(Value, { weir, rule: "a", options: { intervalMs: 100, from: new Date(0) } })),
  );
  assert.deepEqual(calls, ["+a"]);
  await drawn(() => root.update(createElement(Value, { weir, rule: "b" })));
  assert.equal(root.toJSON(), "b connecting ");
  assert.deepEqual(calls.toSorted(), ["+a", "+b", "-a"]);
  await drawn(() => root.unmount());
  assert.deepEqual([calls.at(-1), open.size], ["-b", 0]);
});

test("it stands being mounted twice, as React's strict mode does", async () => {
  const { weir, tell, open } = source();
  let root!: ReturnType<typeof create>;
  await drawn(() => (root = create(createElement(StrictMode, null, createElement(Value, { weir, rule: "a" })))));
  await drawn(() => tell("a", 5));
  assert.equal(root.toJSON(), "a live 5");
  await drawn(() => root.unmount());
  assert.equal(open.size, 0);
});

test("on a server it is connecting, and nothing is subscribed", () => {
  const { weir, calls } = source();
  assert.equal(renderToString(createElement(Value, { weir, rule: "a" })), "a connecting ");
  assert.deepEqual(calls, []);
});

test("to have subscribed is no reason to draw again, also where the options are other ones each time", async () => {
  const { weir, calls } = source();
  let draws = 0;
  const Drawn = () => useLive(weir, "a", { from: ++draws }).status;
  await drawn(() => create(createElement(Drawn)));
  assert.deepEqual([draws, calls], [1, ["+a"]]);
});
