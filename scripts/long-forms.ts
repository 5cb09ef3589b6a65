/** A row of the fault matrix in its long form: a file of tests with other figures. */
export interface LongForm {
  readonly row: string;
  readonly what: string;
  readonly file: string;
  /** Only the tests whose names begin so. */
  readonly only?: string;
  readonly env: Readonly<Record<string, string>>;
}

const faults = "test/faults";

export const longForms: readonly LongForm[] = [
  {
    row: "R1",
    what: "500 kills, 5,000,000 events acknowledged",
    file: `${faults}/kill.fault.test.ts`,
    only: "R1",
    // The ledger, and what the server says to be compared with it, are held in memory.
    env: { WEIR_KILLS: "500", NODE_OPTIONS: "--max-old-space-size=14000" },
  },
  {
    row: "R1",
    what: "100 kills on a ClickHouse server",
    file: `${faults}/server.fault.test.ts`,
    env: { WEIR_KILLS: "100" },
  },
  {
    row: "R1",
    what: "on Kafka, a ClickHouse server and MongoDB: 100 kills, 500,000 events acknowledged",
    file: `${faults}/cluster/repeats.kafka.test.ts`,
    env: { WEIR_KILLS: "100", WEIR_IDS: "500000" },
  },
  {
    row: "R2",
    what: "200 deaths at system calls of the log",
    file: "src/log/embedded/syscall.fault.test.ts",
    env: { WEIR_SYSCALLS: "400" },
  },
  {
    row: "R2",
    what: "200 deaths at system calls of the server and the engine",
    file: `${faults}/syscall.fault.test.ts`,
    env: { WEIR_SYSCALLS: "400" },
  },
  {
    row: "R3",
    what: "20,000 damaged logs",
    file: "src/log/embedded/embedded.fault.test.ts",
    env: { WEIR_MUTANTS: "20000", WEIR_KILLS: "100" },
  },
  {
    row: "R4",
    what: "an hour of syncs that fail or are slow",
    file: `${faults}/sync.fault.test.ts`,
    env: { WEIR_SYNC_SECONDS: "3600" },
  },
  {
    row: "R5",
    what: "50 moments at which the disk becomes full",
    file: `${faults}/full-disk.fault.test.ts`,
    env: { WEIR_FULL_DISKS: "50" },
  },
  {
    row: "R6",
    what: "ten minutes without an engine, until the log is full",
    file: `${faults}/engine-away.fault.test.ts`,
    env: { WEIR_ENGINE_AWAY_SECONDS: "600" },
  },
  {
    row: "R6",
    what: "on Kafka, a ClickHouse server and MongoDB: ten minutes without the server",
    file: `${faults}/cluster/away.kafka.test.ts`,
    env: { WEIR_STORE_AWAY_SECONDS: "150" },
  },
  {
    row: "R7",
    what: "2,000 broken requests to the engine",
    file: `${faults}/proxy.engine.test.ts`,
    env: { WEIR_PROXY_FAULTS: "2000" },
  },
  {
    row: "R7",
    what: "on Kafka, a ClickHouse server and MongoDB: 500 broken requests",
    file: `${faults}/cluster/line.kafka.test.ts`,
    env: { WEIR_PROXY_FAULTS: "500" },
  },
  {
    row: "R8",
    what: "500 deaths of a broker",
    file: "src/log/kafka/outage.kafka.test.ts",
    env: { WEIR_KILLS: "500" },
  },
  {
    row: "R9",
    what: "300 rebalances of three processes, 50 zombies",
    file: `${faults}/group.kafka.test.ts`,
    env: { WEIR_REBALANCES: "300", WEIR_ZOMBIES: "50" },
  },
  {
    row: "R10",
    what: "an hour without MongoDB: killed, frozen, cut off, silent",
    file: `${faults}/rules-away.mongo.test.ts`,
    only: "R10",
    env: { WEIR_RULES_AWAY_SECONDS: "900" },
  },
  {
    row: "R11",
    what: "every pair of odd pieces at the door; every pair of places at which quarantine may die",
    file: `${faults}/poison.load.test.ts`,
    env: { WEIR_POISON_PAIRS: "100000", WEIR_DEATH_PAIRS: "16" },
  },
  {
    row: "R12",
    what: "10,000,000 ids, three of ten events repeated",
    file: `${faults}/repeats.fault.test.ts`,
    env: { WEIR_IDS: "10000000" },
  },
  {
    row: "R12",
    what: "on Kafka, a ClickHouse server and MongoDB: 1,000,000 ids",
    file: `${faults}/cluster/repeats.kafka.test.ts`,
    env: { WEIR_IDS: "1000000" },
  },
  {
    row: "R13",
    what: "three simulated days, the clock set some two hundred times in each",
    file: "test/simulation/day.simulation.test.ts",
    env: { WEIR_SIM_HOURS: "24", WEIR_SIM_DAYS: "3" },
  },
  {
    row: "R14",
    what: "250 deaths among some 2,000 changes of rules",
    file: `${faults}/history.fault.test.ts`,
    // As for R1.
    env: { WEIR_FAULT_ROUNDS: "250", NODE_OPTIONS: "--max-old-space-size=14000" },
  },
  {
    row: "R14",
    what: "on Kafka, a ClickHouse server and MongoDB: 60 deaths among changes of rules",
    file: `${faults}/cluster/rules.kafka.test.ts`,
    env: { WEIR_FAULT_ROUNDS: "60" },
  },
  {
    row: "R16",
    what: "10,000 live sockets, 100 of which do not read (R15)",
    file: `${faults}/sockets.load.test.ts`,
    env: { WEIR_SOCKETS: "10000" },
  },
  {
    row: "R17",
    what: "200,000 schedules of the exact live protocol",
    file: "src/live/exact/exact-property.simulation.test.ts",
    only: "whatever",
    env: { WEIR_RESUMES: "200000" },
  },
  {
    row: "R18",
    what: "half an hour of overload",
    file: `${faults}/overload.load.test.ts`,
    env: { WEIR_OVERLOAD_SECONDS: "1800" },
  },
  {
    row: "R19",
    what: "two hours of mixed load",
    file: `${faults}/soak.long.test.ts`,
    env: { WEIR_SOAK_SECONDS: "7200" },
  },
  {
    row: "R20",
    what: "1,000,000 broken bodies, read in one process",
    file: `${faults}/mutants/contract.test.ts`,
    env: { WEIR_BODIES: "1000000" },
  },
  {
    row: "R20",
    what: "200,000 broken requests to a server",
    file: `${faults}/mutants.fault.test.ts`,
    env: { WEIR_MUTANTS: "200000" },
  },
  {
    row: "R21",
    what: "bombs of 10 GiB",
    file: `${faults}/oversized.load.test.ts`,
    env: { WEIR_BOMB_MIB: "10240" },
  },
  {
    row: "R22",
    what: "1,000 slow connections",
    file: `${faults}/slow-clients.load.test.ts`,
    env: { WEIR_SLOW: "1000" },
  },
  {
    row: "R24",
    what: "3,000 rounds of odd strings and numbers in rules, groups and payloads",
    file: "src/rollup/rollup.engine.test.ts",
    only: "any rules",
    env: { WEIR_ROUNDS: "3000" },
  },
  {
    row: "R25",
    what: "100,000 regular expressions over long texts",
    file: "src/rollup/filter.engine.test.ts",
    only: "every pattern",
    env: { WEIR_PATTERNS: "100000" },
  },
  {
    row: "R29",
    what: "50,000 simulated worlds",
    file: "test/simulation/worlds.simulation.test.ts",
    env: { WEIR_SIM_SEEDS: "50000" },
  },
];
