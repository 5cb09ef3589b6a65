import { readFileSync } from "node:fs";
import { readFile as readText } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { App } from "./app.ts";
import type { Command } from "./commands/commands.ts";
import { explained } from "./commands/message.ts";
import { taken } from "./commands/outlet.ts";
import { addressOf } from "./config/address.ts";
import { parseCommandLine } from "./config/command-line.ts";
import type { CommandName } from "./config/command-line.ts";
import { loadConfig } from "./config/load.ts";
import type { Loaded } from "./config/load.ts";
import type { Config } from "./config/options.ts";
import { hasAllRoles, hasRole } from "./config/roles.ts";
import { printConfig, printProblems } from "./config/print.ts";
import { systemClock } from "./lib/clock.ts";
import { tuneCollector } from "./lib/collector.ts";
import { WeirError } from "./lib/errors.ts";
import { armFailpoint, failpoints } from "./lib/failpoint.ts";
import { createLogger } from "./observe/logger.ts";
import type { Logger } from "./observe/logger.ts";
import type { UpkeepDeps } from "./upkeep/upkeep.ts";

/** 0 stopped as asked; 1 failed while running; 2 the configuration or the machine does not allow a start; 130 a sending, or the check of a load, was stopped. */
type ExitCode = 0 | 1 | 2 | 130;

/** How long stopping may take before the process ends all the same; supervisors kill after 10 s. */
const stopWithinMs = 9_500;

/** How long a server waits at its end for who reads what it has printed. */
const printMs = 200;

/** A second signal this soon is the first one's echo. */
const echoMs = 500;

type Ready = Extract<Loaded, { ok: true }>;

/** The process from arguments to exit code: reads `process`, ends it. Called by bin/weir.mjs. */
export async function main(): Promise<void> {
  process.stdout.on("error", unprinted);
  process.stderr.on("error", () => {});
  const argv = process.argv.slice(2);
  const { print } = parseCommandLine(argv, ownVersion());
  if (print !== null) return void process.stdout.write(print);
  const loaded = loadConfig({ argv, env: process.env, readFile: (path) => readFileSync(path, "utf8") });
  if (!loaded.ok) {
    process.stderr.write(printProblems(loaded.problems, loaded.command));
    process.exitCode = 2;
    return;
  }
  armFromEnvironment();
  const code = await commands[loaded.command](loaded);
  if (code === null) return;
  // What was printed is somebody's who may read slowly. A server has been told to end, and does.
  const isServer = loaded.command === "serve" || loaded.command === "demo";
  await Promise.race([
    Promise.all([process.stdout, process.stderr].map(taken)),
    ...(isServer ? [systemClock.sleep(printMs)] : []),
  ]);
  // The engine's library and idle sockets may keep the loop alive; everything that matters has been stopped.
  process.exit(isServer || code !== 0 ? code : process.exitCode);
}

/** What was asked for is not whole where it was to go, as on a full disk. A reader that went away (`weir config | head`) is no failure. */
function unprinted(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" || process.exitCode !== undefined) return;
  process.exitCode = 2;
  process.stderr.write(`what is printed can't be written: ${error.message}\n`);
}

/** Null: nothing runs any more, the process ends by itself. */
const commands: Readonly<Record<CommandName, (loaded: Ready) => Promise<ExitCode | null>>> = {
  config: ({ config, sources }) => {
    process.stdout.write(printConfig(config, sources));
    return Promise.resolve(null);
  },
  serve,
  demo,
  rules: (loaded) => client({ ...loaded, command: "rules" }),
  stats: (loaded) => client({ ...loaded, command: "stats" }),
  tail: (loaded) => client({ ...loaded, command: "tail" }),
  send,
  load,
  rejects,
  migrate,
  // Has been printed.
  completion: () => Promise.resolve(null),
  verify: (loaded) => upkeep(loaded, async (deps) => (await import("./upkeep/upkeep.ts")).verifyRules(deps)),
  rebuild: (loaded) => upkeep(loaded, async (deps) => (await import("./upkeep/upkeep.ts")).rebuildRules(deps)),
};

async function serve({ config }: Ready): Promise<ExitCode> {
  const logger = loggerOf(config);
  const asked = untilAskedToStop(logger);
  try {
    const { startApp } = await import("./app.ts");
    const starting = startApp(config, { clock: systemClock, logger, version: ownVersion(), signal: asked });
    const app = await Promise.race([starting, late(asked)]);
    if (app === "late") {
      logger.error({ withinMs: stopWithinMs }, "did not start, and so did not stop, in time");
      return 1;
    }
    process.stdout.write(readyLine(tuned(app), config));
    let hasFailed = false;
    // Also while it stops: what can't be made durable then is told, too.
    void app.failed.then((failure) => {
      hasFailed = true;
      logger.fatal({ err: failure }, "weir can't go on");
    });
    await Promise.race([aborted(asked), app.failed]);
    const stopped = await stopInTime(app, logger);
    return hasFailed || !stopped ? 1 : 0;
  } catch (error) {
    if (asked.aborted && error instanceof WeirError && error.code === "stopping") return 0;
    return startFailure(error, logger);
  }
}

async function demo({ config, demo: options }: Ready): Promise<ExitCode> {
  const logger = loggerOf({ ...config, logLevel: config.logLevel === "info" ? "warn" : config.logLevel });
  try {
    const { startWholeApp } = await import("./app.ts");
    const { runDemo } = await import("./demo/demo.ts");
    await runDemo(config, options, {
      start: async (changed) =>
        tuned(await startWholeApp(changed, { clock: systemClock, logger, version: ownVersion() })),
      clock: systemClock,
      signal: untilAskedToStop(logger),
      print: (line) => void process.stdout.write(`${line}\n`),
    });
    return 0;
  } catch (error) {
    return startFailure(error, logger);
  }
}

/** Speaks to a server that runs. */
async function client(asked: Command): Promise<ExitCode> {
  const { runCommand } = await import("./commands/commands.ts");
  // What is asked and answered ends by a signal as every program does; to follow a rule is in order until then.
  const around = surroundings(asked.client.json, asked.command === "tail");
  const readFile = (path: string): Promise<string> => (path === "-" ? text(process.stdin) : readText(path, "utf8"));
  return runCommand(asked, { ...around, readFile });
}

/** Sends what is in files. */
async function send({ config, send: options, words }: Ready): Promise<ExitCode> {
  const { runSend } = tuned(await import("./send/send.ts"));
  const address = options.ingestUrl ?? addressOf(config, config.ingestPort);
  return runSend({ ...options, address, files: words }, { ...surroundings(options.json, true), stdin: process.stdin });
}

/** Sends what it makes. */
async function load({ config, load: options }: Ready): Promise<ExitCode> {
  const { runLoad } = tuned(await import("./load/load.ts"));
  const addresses = {
    ingestUrl: options.ingestUrl ?? addressOf(config, config.ingestPort),
    queryUrl: options.url ?? addressOf(config, config.queryPort),
  };
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  // Its rules are to be deleted, also when somebody does not want to wait for the check.
  const insisted = new AbortController();
  const around = surroundings(options.json, true, options.check === "yes" ? insisted : undefined);
  return runLoad({ ...options, ...addresses, seed }, { ...around, insisted: insisted.signal });
}

/**
 * What a command that speaks to a server has of this process. `endsInOrder`: the first signal asks it to end, and one that is no echo
 * of it ends it; where there is an `insisted`, it aborts that, and the third one ends it.
 */
function surroundings(json: string, endsInOrder: boolean, insisted?: AbortController) {
  const { stdout: out, stderr } = process;
  const ended = new AbortController();
  if (endsInOrder) {
    const forget = onAskedToStop(
      () => ended.abort(),
      (name) => {
        if (insisted?.signal.aborted === false) return insisted.abort();
        forget();
        process.kill(process.pid, name);
      },
    );
  }
  // A reader that went away (`weir tail r | head`) has seen enough.
  out.once("error", () => ended.abort());
  const isTty = out.isTTY;
  const complain = (line: string): void => void stderr.write(line);
  return {
    terminal: {
      isTty,
      hasColours: isTty && (process.env["NO_COLOR"] ?? "") === "",
      json: json === "yes" || !isTty,
      // A terminal that nobody has told its size says 0.
      columns: () => (isTty ? out.columns || Infinity : Infinity),
      lines: () => (isTty ? out.rows || 24 : Infinity),
      write: (line: string) => void out.write(line),
      taken: () => taken(out),
    },
    screen: { isTty: stderr.isTTY, columns: () => stderr.columns || 80, write: complain },
    complain,
    signal: ended.signal,
    clock: systemClock,
  };
}

async function rejects({ config, action, rejects: { url, ingestUrl } }: Ready): Promise<ExitCode> {
  const { runRejects } = await import("./rejects/rejects.ts");
  const { harmless } = await import("./commands/table.ts");
  const addresses = {
    ingestUrl: ingestUrl ?? addressOf(config, config.ingestPort),
    queryUrl: url ?? addressOf(config, config.queryPort),
  };
  try {
    await runRejects(action, addresses, (line) => void process.stdout.write(`${harmless(line)}\n`));
    return 0;
  } catch (error) {
    return refused(error);
  }
}

async function migrate({ config }: Ready): Promise<ExitCode> {
  const logger = loggerOf({ ...config, logLevel: config.logLevel === "info" ? "warn" : config.logLevel });
  try {
    const { migrateStore } = await import("./app/store.ts");
    const signal = untilAskedToStop(logger);
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    await migrateStore(config, { clock: systemClock, logger, version: ownVersion(), signal }, print);
    return 0;
  } catch (error) {
    return startFailure(error, logger);
  }
}

/** On a server that runs, or on one that is started for it on the data folder, where nobody else reaches it. */
async function upkeep(
  { command, config, upkeep: { rule, url } }: Ready,
  work: (deps: UpkeepDeps) => Promise<ExitCode>,
): Promise<ExitCode> {
  const logger = loggerOf({ ...config, logLevel: config.logLevel === "info" ? "warn" : config.logLevel });
  const deps = { rule, clock: systemClock, print: (line: string) => void process.stdout.write(`${line}\n`) };
  try {
    if (url !== null) return await work({ ...deps, queryUrl: url });
    const { startWholeApp } = await import("./app.ts");
    // With a server as the store the folder may be a new one.
    if (config.clickhouseUrl === null) (await import("./app/folder.ts")).mustHaveData(config.dataDir);
    const own = { ...config, host: "127.0.0.1", ingestPort: 0, queryPort: 0 };
    const app = tuned(await startWholeApp(own, { clock: systemClock, logger, version: ownVersion() }));
    try {
      return await work({ ...deps, queryUrl: app.queryUrl });
    } finally {
      await stopInTime(app, logger);
    }
  } catch (error) {
    const code = error instanceof WeirError ? startFailure(error, logger) : await refused(error);
    // Of a comparison 1 says that something differs.
    return command === "verify" ? 2 : code;
  }
}

/** Says what a server, or nobody, has answered. */
async function refused(error: unknown): Promise<ExitCode> {
  const { exitCodeOf } = await import("./commands/commands.ts");
  const { harmless } = await import("./commands/table.ts");
  process.stderr.write(`${harmless(explained(error))}\n`);
  return exitCodeOf(error);
}

function readyLine({ ingestUrl, queryUrl }: App, config: Config): string {
  const isAll = hasAllRoles(config);
  const asks = hasRole(config, "query") ? "query" : "health";
  const said = [
    ...(ingestUrl === null ? [] : [`ingest ${ingestUrl}`]),
    ...(queryUrl === null ? [] : [`${asks} ${queryUrl}`]),
    `docs ${queryUrl ?? ingestUrl}/docs/`,
    ...(hasRole(config, "processor", "query") ? [`data ${config.dataDir}`] : []),
  ];
  return `Weir is ready${isAll ? "" : ` as ${config.roles.join(", ")}`}: ${said.join(" · ")}\n`;
}

/** Aborts at the first SIGTERM or SIGINT; the second ends the process at once. What nobody caught ends it as well. */
function untilAskedToStop(logger: Logger): AbortSignal {
  const asked = new AbortController();
  onAskedToStop(
    (name) => {
      logger.info({ signal: name }, "stopping: finishing what is under way");
      asked.abort();
    },
    (name) => {
      logger.warn({ signal: name }, "asked twice: ending at once");
      process.exit(1);
    },
  );
  // Left alone, Node would open a port for debuggers, on which everybody on this machine may do anything.
  process.on("SIGUSR1", () => logger.warn("SIGUSR1 means nothing here; nothing was done"));
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "unexpected error");
    process.exit(1);
  });
  return asked.signal;
}

/** Calls `first`, and `again` when somebody insists. Answers how to let signals do again what they do to every program. */
function onAskedToStop(first: (name: NodeJS.Signals) => void, again: (name: NodeJS.Signals) => void): () => void {
  // A terminal that is closed hangs up, and what it ran is to end in order.
  const names = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  let askedAt: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const before = askedAt;
    const now = systemClock.monotonic();
    // One Ctrl-C comes twice under npm or timeout: from the terminal, and passed on by the parent.
    if (before !== undefined && now - before < echoMs) return;
    askedAt = now;
    if (before === undefined) first(name);
    else again(name);
  };
  for (const name of names) process.on(name, onSignal);
  return () => void names.map((name) => process.off(name, onSignal));
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}

/** Some time after the stop was asked for. */
async function late(asked: AbortSignal): Promise<"late"> {
  await aborted(asked);
  await systemClock.sleep(stopWithinMs);
  return "late";
}

/** False when it did not stop in time or failed at it; nothing acknowledged is lost by either. */
async function stopInTime(app: App, logger: Logger): Promise<boolean> {
  const tooLate = systemClock.sleep(stopWithinMs).then(() => "late" as const);
  try {
    if ((await Promise.race([app.stop(), tooLate])) !== "late") return true;
    logger.error({ withinMs: stopWithinMs }, "did not stop in time");
  } catch (error) {
    logger.error({ err: error }, "stopping failed");
  }
  return false;
}

/** Fits the collector to what has been loaded and is there to go on. */
function tuned<T>(loaded: T): T {
  tuneCollector();
  return loaded;
}

/** What the user can change is told in one line; anything else with its stack. */
function startFailure(error: unknown, logger: Logger): ExitCode {
  const usersOwn = [
    "port_taken",
    "data_dir_in_use",
    "disk_full",
    "invalid_config",
    "folder_mixed",
    "store_unfit",
    "log_gap",
    "log_damaged",
    "registry_unavailable",
  ];
  if (error instanceof WeirError && error.code === "stopping") return 0;
  if (error instanceof WeirError && usersOwn.includes(error.code)) {
    process.stderr.write(`Weir can't start: ${error.message}\n`);
    return 2;
  }
  logger.fatal({ err: error }, "weir failed");
  return 1;
}

function loggerOf({ logLevel, logFormat }: Pick<Config, "logLevel" | "logFormat">): Logger {
  return createLogger({ level: logLevel, format: logFormat, terminal: process.stderr.isTTY });
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}

/** `WEIR_FAILPOINT=after-raw:3` makes the process kill itself at the third passing of that place. For tests. */
function armFromEnvironment(): void {
  const [name, nth = "1"] = (process.env["WEIR_FAILPOINT"] ?? "").split(":");
  const failpoint = failpoints.find((known) => known === name);
  if (failpoint) armFailpoint(failpoint, Number(nth), () => process.kill(process.pid, "SIGKILL"));
}
