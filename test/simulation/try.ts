import { play } from "./play.ts";
const [from, to] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1)];
const keep = process.argv[4] === "trace";
const started = performance.now();
let bad = 0,
  events = 0,
  deaths = 0;
for (let seed = from; seed <= to; seed++) {
  const played = await play(seed, { keepTrace: keep });
  events += played.events;
  deaths += played.deaths;
  if (keep) console.log(played.trace.join("\n"));
  if (played.findings.length > 0) {
    bad++;
    if (bad < 10) console.log(seed, played.findings.slice(0, 3));
  }
}
console.log({ bad, events, deaths, seconds: (performance.now() - started) / 1000 });
