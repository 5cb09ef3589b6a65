import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Registry, RuleRecord } from "../../src/rule/registry.ts";
import { seeded } from "./random.ts";

/**
 * Records as accounts: the `series` of a record is what is on it, and each change carries some from one to another. Whatever
 * is seen of half a change has another sum.
 */
export async function openAccounts(registry: Registry, count: number): Promise<void> {
  const save = Array.from({ length: count }, (_, index) => account(`account-${index}`, 0, 1000));
  assert.ok(await registry.change({ save, remove: [] }));
}

export function sumOf(records: readonly RuleRecord[]): number {
  return accounts(records).reduce((sum, record) => sum + balance(record), 0);
}

/** Makes so many changes, trying again when somebody else was first. The revisions that they made. */
export async function transfer(
  registry: Registry,
  seed: number,
  changes: number,
  made: (revision: number) => void = () => {},
): Promise<number[]> {
  const random = seeded(seed + 1);
  const revisions: number[] = [];
  while (revisions.length < changes) {
    const records = accounts(await registry.all());
    const from = random.pick(records);
    const to = random.pick(records.filter((record) => record !== from));
    const amount = random.int(10);
    const save = [from, to].map((record, index) =>
      account(record.rule_id, record.revision, balance(record) + (index === 0 ? -amount : amount)),
    );
    const done = await registry.change({ save, remove: [] });
    if (done === undefined) continue;
    revisions.push(done.revision);
    made(done.revision);
  }
  return revisions;
}

/** A process that transfers until it is killed, once it has told of so many changes. The revisions that it told. */
export async function writesUntilKilled(opener: string, { changes }: { changes: number }): Promise<number[]> {
  const child = run(`${opener}
    import { writeSync } from "node:fs";
    import { transfer } from ${JSON.stringify(import.meta.url)};
    await transfer(registry, process.pid, Infinity, (revision) => writeSync(1, revision + "\\n"));`);
  let told = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    told += text;
    if (told.split("\n").length > changes) child.kill("SIGKILL");
  });
  await once(child, "close");
  const revisions = told.split("\n").slice(0, -1).map(Number);
  assert.ok(revisions.length >= changes, `it told of ${revisions.length} changes`);
  return revisions;
}

/** A process that makes these rules by one change and dies at the named place. */
export async function diesAt(opener: string, failpoint: string, ruleIds: readonly string[]): Promise<void> {
  const child = run(`${opener}
    import { armFailpoint } from ${JSON.stringify(new URL("../../src/lib/failpoint.ts", import.meta.url).href)};
    import { account } from ${JSON.stringify(import.meta.url)};
    armFailpoint(${JSON.stringify(failpoint)}, 1, () => process.kill(process.pid, "SIGKILL"));
    const save = ${JSON.stringify(ruleIds)}.map((id) => account(id, 0, 16));
    await registry.change({ save, remove: [] });`);
  const [, signal]: unknown[] = await once(child, "close");
  assert.equal(signal, "SIGKILL", `it did not come to ${failpoint}`);
}

export function account(ruleId: string, revision: number, series: number): RuleRecord {
  const spec = { rule_id: ruleId, window_size: "1m", metric: "count", group_by: [], active: true };
  const version = { version: 1, spec, series, phase: "live" as const, activation: { 0: 0 }, createdAt: 1 };
  return { rule_id: ruleId, revision, versions: [version] };
}

function run(text: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: ["ignore", "pipe", "inherit"] });
}

const accounts = (records: readonly RuleRecord[]): RuleRecord[] =>
  records.filter(({ rule_id: id }) => id.startsWith("account-"));
const balance = (record: RuleRecord): number => record.versions[0]?.series ?? Number.NaN;
