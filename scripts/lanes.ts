import { filesLike, type Result, runStep, type Step, sumOf, tell, tellLine, tests, testsOf } from "./steps.ts";

/** Tests of one kind, each file a process of its own, of which so many run at a time. */
export interface Lane {
  readonly name: string;
  readonly atOnce: number;
  readonly steps: readonly Step[];
}

/** Worlds and schedules by a seed: one process, and with it one core for a minute. */
export const simulation = (): Lane => ({
  name: "simulation",
  atOnce: 1,
  steps: [tests("simulation", "**/*.simulation.test.ts", ["--test-isolation=none"])],
});

/** With the real engine, the real program, Kafka and MongoDB. */
export const serviceLanes = (): readonly Lane[] => [lane("engine", 2), lane("kafka", 2), lane("mongo", 1)];

/** What breaks things, and looks at the time with patience: it runs beside others. */
export const faultLane = (): Lane => lane("fault", 2);

/** What loads the machine and measures how it bears that, which has it for itself. */
export const loadLane = (): Lane => lane("load", 1);

const lane = (name: string, atOnce: number): Lane => ({
  name: `${name} tests`,
  atOnce,
  steps: filesLike(`**/*.${name}.test.ts`)
    .toSorted((a, b) => secondsOf(b) - secondsOf(a))
    .map(testsOf),
});

/** About how many seconds the longest take. Nothing but the order stands on it: what is begun last is waited for alone. */
const longest: Readonly<Record<string, number>> = {
  "src/rollup/rollup.engine.test.ts": 65,
  "src/rollup/sketches.engine.test.ts": 50,
  "test/faults/proxy.engine.test.ts": 40,
  "client/ingest.engine.test.ts": 40,
  "deploy/image/image.engine.test.ts": 30,
  "test/e2e/edits.engine.test.ts": 30,
  "test/e2e/dashboard.engine.test.ts": 30,
  "test/e2e/dashboard-trouble.engine.test.ts": 35,
  "test/e2e/dashboard-access.engine.test.ts": 20,
  "test/examples/examples.engine.test.ts": 25,
  "test/guide/pages.engine.test.ts": 45,
  "test/e2e/reread.engine.test.ts": 25,
  "test/e2e/live.engine.test.ts": 25,
  "test/e2e/standstill.engine.test.ts": 35,
  "test/e2e/flights.engine.test.ts": 20,
  "test/e2e/upkeep.engine.test.ts": 20,
  "test/faults/kill.fault.test.ts": 85,
  "test/faults/engine-away.fault.test.ts": 100,
  "test/faults/syscall.fault.test.ts": 80,
  "test/faults/failpoint.fault.test.ts": 60,
  "test/faults/sync.fault.test.ts": 60,
  "test/faults/sync-rules.fault.test.ts": 40,
  "test/faults/full-disk.fault.test.ts": 35,
  "test/faults/mutants.fault.test.ts": 40,
  "test/faults/history.fault.test.ts": 40,
  "test/faults/server.fault.test.ts": 40,
  "test/faults/clock.fault.test.ts": 30,
  "test/faults/repeats.fault.test.ts": 12,
  "test/faults/overflow.fault.test.ts": 30,
  "test/faults/poison.load.test.ts": 35,
  "test/faults/erasure.fault.test.ts": 25,
  "test/faults/trouble.kafka.test.ts": 50,
  "test/faults/group.kafka.test.ts": 95,
  "src/log/kafka/outage.kafka.test.ts": 90,
  "test/faults/roles/roles.kafka.test.ts": 80,
  "test/faults/kafka.kafka.test.ts": 50,
  "test/faults/archive.kafka.test.ts": 40,
  "test/faults/cluster/line.kafka.test.ts": 90,
  "test/faults/cluster/away.kafka.test.ts": 135,
  "test/faults/cluster/rules.kafka.test.ts": 70,
  "test/faults/cluster/repeats.kafka.test.ts": 75,
  "src/log/kafka/unclean.kafka.test.ts": 45,
  "src/log/kafka/foreign.kafka.test.ts": 30,
  "src/rule/mongo/away.mongo.test.ts": 30,
  "test/faults/rules-away.mongo.test.ts": 30,
  simulation: 70,
};
const usualSeconds = 10;

const secondsOf = (name: string): number => longest[name] ?? usualSeconds;

interface Track {
  readonly lane: Lane;
  readonly waiting: Step[];
  readonly results: Result[];
  running: number;
}

/**
 * Runs the steps of all lanes, at most `atOnce` at a time, next always of the lane that has the longest way to go. Tells each
 * lane as it ends, and what failed at once and in full.
 */
export async function runLanes(
  lanes: readonly Lane[],
  atOnce: number,
  run: (step: Step) => Promise<Result> = runStep,
): Promise<readonly Result[]> {
  const tracks = lanes.map((one): Track => ({ lane: one, waiting: [...one.steps], results: [], running: 0 }));
  const worker = async (): Promise<void> => {
    // A worker that finds no room ends: what has none now is taken by the one that makes the room.
    for (let track = longestWay(tracks); track; track = longestWay(tracks)) await runNext(track, run);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return tracks.flatMap(({ results }) => results);
}

const wayOf = ({ lane: { atOnce }, waiting }: Track): number =>
  waiting.reduce((sum, { name }) => sum + secondsOf(name), 0) / atOnce;

const longestWay = (tracks: readonly Track[]): Track | undefined =>
  tracks
    .filter(({ lane: { atOnce }, waiting, running }) => waiting.length > 0 && running < atOnce)
    .toSorted((a, b) => wayOf(b) - wayOf(a))[0];

async function runNext(track: Track, run: (step: Step) => Promise<Result>): Promise<void> {
  const step = track.waiting.shift()!;
  track.running += 1;
  const result = await run(step);
  track.running -= 1;
  track.results.push(result);
  if (!result.ok) tell(result);
  if (track.waiting.length === 0 && track.running === 0) tellLane(track);
}

/** The tests of a lane, the seconds of all its processes together, and which took longest. */
function tellLane({ lane: { name }, results }: Track): void {
  const slowest = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, 3);
  tellLine({
    name,
    ok: results.every(({ ok }) => ok),
    took: `${sumOf(results, ({ seconds }) => seconds).toFixed(1)} s in ${results.length} processes`,
    passed: sumOf(results, ({ passed }) => passed),
    skipped: sumOf(results, ({ skipped }) => skipped),
  });
  if (results.length < 2) return;
  console.log(
    `        longest: ${slowest.map(({ step, seconds }) => `${step.name} ${seconds.toFixed(0)} s`).join(", ")}`,
  );
}
