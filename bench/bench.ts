/**
 * `npm run bench [-- p1 p2 …]`: measures the figures of the design on this machine, prints them, and writes them into
 * docs/benchmarks.md. Options: `--dry` only prints; `--only '1,000'` takes the cases of P1 whose names begin so, `--only 1000`
 * that of P5 with so many rules; `--mode delta` is P3's and P6's, one of their two; `--seconds 60` and `--rate 200000`
 * (events a second) are P2's, P5's and the whole set's, the rate P3's, too; `--sockets 500` are P6's; `--events 10000000` are
 * stored before P9's kill and before fills; `--cpu-profile` prints where the server's time goes.
 */
import { parseArgs } from "node:util";
import type { BenchOptions } from "./lib/bench-server.ts";
import { circumstances } from "./lib/machine.ts";
import { writeSection } from "./lib/report.ts";
import { chart } from "./scenario/chart.ts";
import { fills } from "./scenario/fills.ts";
import { p1 } from "./scenario/p1.ts";
import { p2 } from "./scenario/p2.ts";
import { p3 } from "./scenario/p3.ts";
import { p5 } from "./scenario/p5.ts";
import { p6 } from "./scenario/p6.ts";
import { p9 } from "./scenario/p9.ts";
import { quiet } from "./scenario/quiet.ts";
import { wholeSet } from "./scenario/whole-set.ts";

interface Scenario {
  readonly title: string;
  readonly run: (options: BenchOptions) => Promise<string>;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  p1: { title: "P1: durable ingest", run: p1 },
  p2: { title: "P2 and P7: the whole path, and its memory", run: p2 },
  p3: { title: "P3: from acknowledged to pushed", run: p3 },
  p5: { title: "P5: thousands of rules", run: p5 },
  p6: { title: "P6: ten thousand sockets", run: p6 },
  chart: { title: "The dashboard's first chart", run: chart },
  quiet: { title: "What little load costs", run: quiet },
  fills: { title: "What a running fill does to what is live", run: fills },
  p9: { title: "P9: from start to ready", run: p9 },
  set: { title: "The whole set beside the embedded parts", run: wholeSet },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    rate: { type: "string" },
    "cpu-profile": { type: "boolean", default: false },
    events: { type: "string", default: "10000000" },
    sockets: { type: "string", default: "10000" },
    only: { type: "string", default: "" },
    mode: { type: "string", default: "" },
    dry: { type: "boolean", default: false },
  },
});

const note = (line: string): void => void process.stdout.write(`${line}\n`);
const rate = values.rate === undefined ? undefined : Number(values.rate);
const options: BenchOptions = {
  seconds: Number(values.seconds),
  rate,
  cpuProfile: values["cpu-profile"],
  only: values.only,
  mode: values.mode,
  sockets: Number(values.sockets),
  events: Number(values.events),
  note,
};

note(circumstances());
for (const id of positionals.length > 0 ? positionals : Object.keys(scenarios)) {
  const scenario = scenarios[id.toLowerCase()];
  if (scenario === undefined) throw new Error(`no scenario ${id}; there are ${Object.keys(scenarios).join(", ")}`);
  const body = await scenario.run(options);
  note(`\n${scenario.title}\n\n${body}\n`);
  if (!values.dry) writeSection(id.toLowerCase(), scenario.title, body, circumstances());
}
