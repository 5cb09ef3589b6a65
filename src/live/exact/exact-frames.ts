import { formatTime } from "../../lib/rfc3339.ts";
import type { ResetReason } from "../../protocol/live-exact.ts";
import type { Ended } from "./finals.ts";
import type { Changed } from "./mirror.ts";

/** Messages of the exact protocol as text, from rows that are text already. */

export interface SnapshotFacts {
  readonly version: number;
  readonly epoch: string;
  readonly seq: number;
  readonly from: number;
  readonly complete: boolean;
  readonly truncated: boolean;
}

export function snapshotText(ruleId: string, facts: SnapshotFacts, windows: readonly string[]): string {
  const { version, epoch, seq, complete } = facts;
  const truncated = facts.truncated ? ',"truncated":true' : "";
  return `{"type":"snapshot",${named(ruleId)},"version":${version},"epoch":"${epoch}","seq":${seq},"from":"${formatTime(facts.from)}","complete":${complete}${truncated},"rows":[${windows.join(",")}]}`;
}

export function deltaText(ruleId: string, prev: number, seq: number, changed: readonly Changed[]): string {
  const rows = changed.flatMap(({ text }) => text ?? []);
  const gone = changed.filter(({ text }) => text === undefined).map(({ start }) => `"${formatTime(start)}"`);
  const goneText = gone.length === 0 ? "" : `,"gone":[${gone.join(",")}]`;
  return `{"type":"delta",${named(ruleId)},"seq":${seq},"prev":${prev},"rows":[${rows.join(",")}]${goneText}}`;
}

export const finalText = (ruleId: string, { start, end }: Ended): string =>
  `{"type":"final",${named(ruleId)},"window_start":"${formatTime(start)}","window_end":"${formatTime(end)}"}`;

export const heartbeatText = (ruleId: string, seq: number, lagMs: number): string =>
  `{"type":"heartbeat",${named(ruleId)},"seq":${seq},"lag_ms":${lagMs}}`;

export const resetText = (ruleId: string, reason: ResetReason): string =>
  `{"type":"reset",${named(ruleId)},"reason":"${reason}"}`;

const named = (ruleId: string): string => `"rule_id":${JSON.stringify(ruleId)}`;
