import { messageOf } from "../lib/errors.ts";
import type { Problem } from "../lib/errors.ts";
import { isObject } from "../lib/is-object.ts";
import { parseCommandLine } from "./command-line.ts";
import type { CommandName, RejectsAction, RulesAction } from "./command-line.ts";
import { didYouMean } from "./did-you-mean.ts";
import { findJsonFault, withoutMark } from "./json-place.ts";
import type { Kind } from "./kind.ts";
import { loadOptions } from "./load-options.ts";
import type { LoadOptions } from "./load-options.ts";
import { clientOptions, demoOptions, environmentName, optionKeys, options, upkeepOptions } from "./options.ts";
import type { Option } from "./option.ts";
import { ownNames } from "./own-options.ts";
import { hasAllRoles, hasRole, roleProblems } from "./roles.ts";
import type { ClientOptions, Config, DemoOptions, OptionKey, UpkeepOptions } from "./options.ts";
import { progressTopic, topicLengthMax } from "./progress-topic.ts";
import { rejectsOptions, sendOptions } from "./send-options.ts";
import type { RejectsOptions, SendOptions } from "./send-options.ts";

export interface Surroundings {
  /** Arguments behind the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it can't be read. */
  readonly readFile: (path: string) => string;
}

/** Where a value comes from: `--data-dir`, `WEIR_DATA_DIR`, `weir.json: data-dir`, or `default`. */
export type Sources = Readonly<Record<OptionKey, string>>;

export type Loaded =
  | {
      readonly ok: true;
      readonly command: CommandName;
      readonly action: RejectsAction;
      readonly config: Config;
      readonly sources: Sources;
      readonly demo: DemoOptions;
      readonly upkeep: UpkeepOptions;
      readonly client: ClientOptions;
      readonly send: SendOptions;
      readonly load: LoadOptions;
      readonly rejects: RejectsOptions;
      readonly rulesAction: RulesAction;
      readonly words: readonly string[];
    }
  | { readonly ok: false; readonly command: CommandName; readonly problems: readonly Problem[] };

interface Given {
  readonly where: string;
  /** Text; from the file any JSON value. */
  readonly value: unknown;
}

/**
 * Finds every option's value: command line over environment over file over default. Reports all mistakes at once, each
 * with where it stands, the offending value and what is right; also in values that another source overrides.
 */
export function loadConfig({ argv, env, readFile }: Surroundings): Loaded {
  const line = parseCommandLine(argv, "");
  const problems = [...line.problems];
  const read = reader(problems);
  const file = fileValues(line.flags.get("config") ?? env["WEIR_CONFIG"], readFile, problems);
  const values: Partial<Record<OptionKey, unknown>> = {};
  const sources: Partial<Record<OptionKey, string>> = {};
  for (const key of optionKeys) {
    const option: Option<unknown> = options[key];
    const found = [file.get(option.name), fromEnvironment(env, option.name), fromLine(line.flags, option.name)].flatMap(
      (given) => given ?? [],
    );
    values[key] = option.default;
    sources[key] = "default";
    for (const given of found) {
      values[key] = read(option, given);
      sources[key] = given.where;
    }
  }
  const own = (of: Readonly<Record<string, Option<unknown>>>, ...commands: CommandName[]): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(of).map(([key, option]) => {
        const given = commands.includes(line.command) ? fromLine(line.flags, option.name) : undefined;
        return [key, given ? read(option, given) : option.default];
      }),
    );
  const demo = own(demoOptions, "demo") as DemoOptions;
  const upkeep = own(upkeepOptions, "verify", "rebuild") as UpkeepOptions;
  const client = own(clientOptions, "rules", "stats", "tail") as ClientOptions;
  const send = own(sendOptions, "send") as SendOptions;
  const load = own(loadOptions, "load") as LoadOptions;
  const rejects = own(rejectsOptions, "rejects") as RejectsOptions;
  problems.push(...unknownVariables(env));
  // Every key has a value of its option's kind: the loops above go over the same tables that the types come from.
  const config = values as Config;
  if (problems.length === 0) problems.push(...contradictions(config, sources));
  if (problems.length === 0) problems.push(...upkeepProblems(line.command, config, upkeep));
  if (problems.length > 0) return { ok: false, command: line.command, problems };
  return {
    ok: true,
    command: line.command,
    action: line.action,
    config,
    sources: sources as Sources,
    demo,
    upkeep,
    client,
    send,
    load,
    rejects,
    rulesAction: line.rulesAction,
    words: line.words,
  };
}

/** Reads a given value, or notes the problem and answers the default so that the other checks go on. */
function reader(problems: Problem[]): (option: Option<unknown>, given: Given) => unknown {
  return (option, { where, value }) => {
    const text = textOf(value, option.kind);
    const parsed = text === undefined ? undefined : option.kind.parse(text);
    if (parsed === undefined)
      problems.push({
        path: where,
        message: `expected ${option.kind.expected}`,
        value: option.secret ? "(hidden)" : value,
      });
    return parsed ?? option.default;
  };
}

/** The file's JSON values as the text that the command line would have. */
function textOf(value: unknown, { nothing, truth }: Kind<unknown>): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" && truth !== undefined) return truth[value ? 1 : 0];
  if (typeof value === "number") return String(value);
  if (value === null || value === false) return nothing;
  if (!Array.isArray(value)) return undefined;
  if (value.length === 0) return nothing;
  return value.every((part) => typeof part === "string") ? value.join(",") : undefined;
}

function fromLine(flags: ReadonlyMap<string, string>, name: string): Given | undefined {
  const value = flags.get(name);
  return value === undefined ? undefined : { where: `--${name}`, value };
}

/** An empty variable counts as not set, as is usual in shells and compose files. */
function fromEnvironment(env: Surroundings["env"], name: string): Given | undefined {
  const where = environmentName(name);
  const value = env[where];
  return value === undefined || value === "" ? undefined : { where, value };
}

function fileValues(
  path: string | undefined,
  readFile: Surroundings["readFile"],
  problems: Problem[],
): ReadonlyMap<string, Given> {
  if (path === undefined || path === "") return new Map();
  const parsed = parseFile(path, readFile, problems);
  const known = Object.values(options).map((option) => option.name);
  const given = new Map<string, Given>();
  for (const [name, value] of Object.entries(parsed)) {
    if (known.some((candidate) => candidate === name)) given.set(name, { where: `${path}: ${name}`, value });
    else
      problems.push({
        path: `${path}: ${name}`,
        message: ownOption(name) ?? `is not an option${didYouMean(name.replaceAll("_", "-"), known)}`,
      });
  }
  return given;
}

function parseFile(path: string, readFile: Surroundings["readFile"], problems: Problem[]): object {
  const text = attempt(() => readFile(path));
  if (!text.ok) {
    problems.push({ path, message: `can't be read: ${text.reason}` });
    return {};
  }
  const bare = withoutMark(text.value);
  const parsed = attempt((): unknown => JSON.parse(bare));
  if (!parsed.ok) {
    const fault = findJsonFault(bare);
    problems.push({
      path: `${path}:${fault.line}:${fault.column}`,
      message: `is not JSON: line ${fault.line}, column ${fault.column} has ${fault.found}`,
    });
    return {};
  }
  if (isObject(parsed.value)) return parsed.value;
  problems.push({ path, message: 'expected an object such as {"data-dir": "./weir-data"}', value: parsed.value });
  return {};
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

function attempt<T>(what: () => T): Attempt<T> {
  try {
    return { ok: true, value: what() };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

/** `WEIR_CONFIG` names the file; `WEIR_FAILPOINT` is for tests. Kubernetes sets the rest for a service called weir. */
const otherVariables = /^WEIR_(CONFIG|FAILPOINT|PORT_.*|SERVICE_.*)$/;

/** Kubernetes sets it to `tcp://10.0.0.1:8000`; who sets it to a number means one of ours. */
const isOfKubernetes = (name: string, value = ""): boolean => name === "WEIR_PORT" && value.includes("://");

function unknownVariables(env: Surroundings["env"]): Problem[] {
  const known = Object.values(options).map((option) => environmentName(option.name));
  return (
    Object.keys(env)
      .filter((name) => name.startsWith("WEIR_") && !known.includes(name) && !otherVariables.test(name))
      .filter((name) => !isOfKubernetes(name, env[name]))
      // Without the value: a mistyped name may be that of a password.
      .map((name) => ({
        path: name,
        message: ownOption(name) ?? `is not an option${didYouMean(name, known, environmentName(""))}`,
      }))
  );
}

/** What to say of a command's own option that is given elsewhere than on the command line. */
function ownOption(given: string): string | undefined {
  const name = ownNames.find((own) => own === given || environmentName(own) === given);
  return name && `is not read: --${name} is a command's own option, which is given on the command line only`;
}

/** Without an address these commands would start a server of all roles, which takes partitions over from those that count. */
function upkeepProblems(command: CommandName, config: Config, { url }: UpkeepOptions): Problem[] {
  const isAsked = (command === "verify" || command === "rebuild") && url === null;
  if (!isAsked || hasAllRoles(config)) return [];
  const message = "with roles apart, --url has to name a query process, which does the work";
  return [{ path: command, message, value: config.roles.join(",") }];
}

function shardProblems(
  { clickhouseUrl: urls, clickhouseShards: shards }: Config,
  sources: Partial<Sources>,
): Problem[] {
  const areSeveral = urls !== null && urls.length > 1;
  if (areSeveral === (shards !== null)) return [];
  const [key, message] = areSeveral
    ? ([
        "clickhouseUrl",
        "of several addresses clickhouse-shards has to name the cluster whose shards they are",
      ] as const)
    : (["clickhouseShards", "is of several addresses in clickhouse-url, one for each shard of the cluster"] as const);
  return [{ path: sources[key] ?? options[key].name, message, value: areSeveral ? urls.join() : shards }];
}

/** Values that are right by themselves and wrong together. */
function contradictions(config: Config, sources: Partial<Sources>): Problem[] {
  const ports = [
    ["ingestPort", config.ingestPort],
    ["queryPort", config.queryPort],
    ["engineReadonlyPort", config.engineReadonlyPort],
  ] as const;
  const problems: Problem[] = [];
  for (const [index, [key, port]] of ports.entries()) {
    const same = ports.slice(0, index).find(([, other]) => other === port && port !== null && port !== 0);
    if (same)
      problems.push({
        path: sources[key] ?? key,
        message: `the port is also that of ${options[same[0]].name}`,
        value: port,
      });
  }
  problems.push(...roleProblems(config, sources.roles ?? "roles"));
  if (config.clickhouseUrl !== null && config.engineReadonlyPort !== null) {
    problems.push({
      path: sources.engineReadonlyPort ?? "engine-readonly-port",
      message: "is of the embedded engine, which does not run with clickhouse-url; tools read the server itself",
      value: config.engineReadonlyPort,
    });
  }
  problems.push(...shardProblems(config, sources));
  if (config.kafkaSasl !== "off" && (config.kafkaUser === null || config.kafkaPassword === null)) {
    problems.push({
      path: sources.kafkaSasl ?? "kafka-sasl",
      message: "logging in needs kafka-user and kafka-password (WEIR_KAFKA_PASSWORD)",
      value: config.kafkaSasl,
    });
  }
  const progress = progressTopic(config);
  if (config.kafkaBrokers.length > 0 && progress.length > topicLengthMax) {
    const longer = config.kafkaTopic.length > config.kafkaGroup.length ? "kafkaTopic" : "kafkaGroup";
    problems.push({
      path: sources[longer] ?? longer,
      message: `with it the topic of progress, ${progress}, has a name of ${progress.length} characters, and Kafka takes ${topicLengthMax}: shorten kafka-topic or kafka-group`,
      value: config[longer],
    });
  }
  if (config.kafkaCa !== null && config.kafkaTls === "off") {
    problems.push({
      path: sources.kafkaCa ?? "kafka-ca",
      message: "is for kafka-tls, which is off: say kafka-tls on, or leave it out",
      value: config.kafkaCa,
    });
  }
  if (config.archive === "on" && (config.kafkaBrokers.length === 0 || config.mongoUrl === null)) {
    problems.push({
      path: sources.archive ?? "archive",
      message:
        "needs kafka-brokers and mongo-url: the embedded log keeps events only until they are counted, and its archive is the stored events themselves",
      value: config.archive,
    });
  }
  if (config.archive === "on" && !hasRole(config, "query")) {
    problems.push({
      path: sources.archive ?? "archive",
      message: "is filled by one process with the role query, and by no other",
      value: config.archive,
    });
  }
  if (config.inflightBytesMax < config.bodyBytesMax) {
    problems.push({
      path: sources.inflightBytesMax ?? "inflight-bytes-max",
      message: "is smaller than body-bytes-max, so that no large request could ever be taken",
      value: config.inflightBytesMax,
    });
  }
  return problems;
}
