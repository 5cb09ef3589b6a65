import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "./load.ts";
import type { Surroundings } from "./load.ts";
import { environmentName, optionKeys, options } from "./options.ts";
import type { Option } from "./option.ts";
import { printConfig, printProblems } from "./print.ts";

const nothing: Surroundings = {
  argv: [],
  env: {},
  readFile: (path) => {
    throw new Error(`ENOENT: ${path}`);
  },
};

function good(given: Partial<Surroundings>): Extract<ReturnType<typeof loadConfig>, { ok: true }> {
  const loaded = loadConfig({ ...nothing, ...given });
  assert.ok(loaded.ok, loaded.ok ? "" : printProblems(loaded.problems));
  return loaded;
}

function problems(given: Partial<Surroundings>): readonly string[] {
  const loaded = loadConfig({ ...nothing, ...given });
  assert.ok(!loaded.ok);
  return loaded.problems.map(({ path, message }) => `${path}: ${message}`);
}

test("without anything every option has its default, and the command is serve", () => {
  const { command, config, sources } = good({});
  assert.equal(command, "serve");
  for (const key of optionKeys) {
    assert.equal(config[key], options[key].default);
    assert.equal(sources[key], "default");
  }
});

test("unless told otherwise, nobody but this machine reaches it, by the ports and in the folder that the guide names", () => {
  const { host, hostNames, ingestPort, queryPort, engineReadonlyPort, dataDir, origins } = good({}).config;
  assert.deepEqual([host, ingestPort, queryPort, dataDir], ["127.0.0.1", 8000, 8001, "./weir-data"]);
  assert.deepEqual([hostNames, engineReadonlyPort, origins], [[], null, []]);
});

test("command line over environment over file over default", () => {
  const file = JSON.stringify({ host: "file", "ingest-port": 1, "query-port": 2, "flush-delay": "7ms" });
  const { config, sources } = good({
    argv: ["--config", "w.json", "--host", "line"],
    env: { WEIR_HOST: "environment", WEIR_INGEST_PORT: "11", WEIR_QUERY_PORT: "" },
    readFile: () => file,
  });
  assert.deepEqual(
    [config.host, config.ingestPort, config.queryPort, config.flushDelayMs, config.logLevel],
    ["line", 11, 2, 7, "info"],
  );
  assert.deepEqual(
    [sources.host, sources.ingestPort, sources.queryPort, sources.logLevel],
    ["--host", "WEIR_INGEST_PORT", "w.json: query-port", "default"],
  );
});

test("every default is a value of its kind and survives being written and read", () => {
  for (const key of optionKeys) {
    const option: Option<unknown> = options[key];
    const text = option.kind.format(option.default);
    assert.deepEqual(option.kind.parse(text), option.default, option.name);
    assert.equal(good({ argv: [`--${option.name}`, text] }).sources[key], `--${option.name}`);
    assert.equal(good({ env: { [environmentName(option.name)]: text } }).sources[key], environmentName(option.name));
  }
});

test("all problems are told at once, each with its place", () => {
  const told = problems({
    argv: ["serve", "--ingest-port", "eighty", "--data-dri", "x", "--flush-delay=soon", "extra"],
    env: { WEIR_QUERY_PORT: "70000", WEIR_HOTS: "x", WEIR_LOG_LEVEL: "loud" },
    readFile: () => '{"hosst": 1, "origins": ["nope"], "log_format": "json", "body-bytes-max": {}}',
  });
  assert.equal(told.length, 7 - 0, told.join("\n"));
  const withFile = problems({
    argv: ["--config", "w.json"],
    readFile: () => '{"hosst": 1, "origins": ["nope"], "log_format": "json", "body-bytes-max": {}}',
  });
  assert.deepEqual(
    withFile.map((line) => line.split(";")[0]!.slice(0, 50)),
    [
      "w.json: hosst: is not an option",
      "w.json: log_format: is not an option",
      "w.json: body-bytes-max: expected a size such as 32",
      "w.json: origins: expected a list with commas betwe",
    ],
  );
  assert.match(withFile[0]!, /did you mean host\?/);
  assert.match(withFile[1]!, /did you mean log-format\?/);
});

test("null and false in the file turn off what can be, and are mistakes elsewhere", () => {
  const file = (text: string) => ({ argv: ["--config", "w.json"], readFile: () => text });
  const { engineReadonlyPort, origins } = good(file('{"engine-readonly-port": false, "origins": null}')).config;
  assert.deepEqual([engineReadonlyPort, origins], [null, []]);
  for (const value of [false, true]) {
    const { migrate, kafkaTls } = good(file(`{"migrate": ${value}, "kafka-tls": ${value}}`)).config;
    assert.deepEqual([migrate, kafkaTls], [value, value ? "on" : "off"]);
  }
  assert.deepEqual(problems(file('{"log-level": true, "origins": true}')).length, 2);
  assert.deepEqual(problems(file('{"host": null, "data-dir": false}')), [
    "w.json: data-dir: expected a folder",
    "w.json: host: expected an address or host name to listen on, without a port",
  ]);
});

test("a misspelt flag, command or variable gets a suggestion; its value is no mistake of its own", () => {
  assert.deepEqual(problems({ argv: ["--data-dri", "x"] }), [
    "--data-dri: is not an option of Weir; did you mean --data-dir?",
  ]);
  assert.deepEqual(problems({ argv: ["serv"] }), ["serv: is not a command of Weir; did you mean serve?"]);
  assert.deepEqual(problems({ env: { WEIR_HOTS: "x" } }), ["WEIR_HOTS: is not an option; did you mean WEIR_HOST?"]);
});

test("of half an option's name the few are named that it may be", () => {
  assert.deepEqual(problems({ argv: ["--topic", "t"] }), [
    "--topic: is not an option of Weir; did you mean --kafka-topic?",
  ]);
  assert.deepEqual(problems({ argv: ["--max", "1"] }), ["--max: is not an option of Weir"]);
  const ports = "WEIR_INGEST_PORT or WEIR_QUERY_PORT or WEIR_ENGINE_READONLY_PORT";
  assert.deepEqual(problems({ env: { WEIR_PORT: "9000" } }), [`WEIR_PORT: is not an option; did you mean ${ports}?`]);
});

test("variables that Kubernetes sets for a service called weir are not ours", () => {
  good({
    env: {
      WEIR_SERVICE_HOST: "10.0.0.1",
      WEIR_SERVICE_PORT: "8000",
      WEIR_PORT: "tcp://10.0.0.1:8000",
      WEIR_PORT_8000_TCP_ADDR: "10.0.0.1",
    },
  });
});

test("a damaged file is named with line and column", () => {
  const told = problems({ argv: ["--config", "w.json"], readFile: () => '{\n  "host": "a",\n  "ingest-port" 80\n}' });
  assert.equal(good({ argv: ["--config", "w.json"], readFile: () => '\uFEFF{"host":"h"}' }).config.host, "h");
  assert.deepEqual(told, ['w.json:3:17: is not JSON: line 3, column 17 has "80"']);
  assert.deepEqual(problems({ env: { WEIR_CONFIG: "w.json" } }), ["w.json: can't be read: ENOENT: w.json"]);
  assert.match(problems({ argv: ["--config", "w.json"], readFile: () => "[1]" })[0]!, /expected an object/);
});

test("an option without its value is a problem, not a crash", () => {
  assert.match(problems({ argv: ["--data-dir"] })[0]!, /argument missing/);
});

test("a mistake in an address is told without its secrets", () => {
  for (const option of ["--mongo-url", "--clickhouse-url"])
    assert.ok(!printProblems(problemsOf([option, "ftp://u:secret@h"])).includes("secret"), option);
});

test("a variable that is mistyped is told without its value, which may be a password", () => {
  const loaded = loadConfig({ ...nothing, env: { WEIR_KAFKA_PASWORD: "secret" } });
  assert.ok(!loaded.ok);
  const told = printProblems(loaded.problems);
  assert.match(told, /WEIR_KAFKA_PASWORD: is not an option; did you mean WEIR_KAFKA_PASSWORD\?/);
  assert.ok(!told.includes("secret"), told);
});

test("the address of a server is one that can be asked, and is told without its password", () => {
  const told = (address: string): string => {
    const loaded = loadConfig({ ...nothing, argv: ["stats", "r", "--url", address] });
    return loaded.ok ? "" : printProblems(loaded.problems, loaded.command);
  };
  for (const address of ["http://h:1", "https://h/behind/a/proxy/"]) assert.equal(told(address), "");
  for (const address of ["http://u:secret@h", "http://h?token=secret", "http://h/#x", "h:8001", "ftp://h"]) {
    assert.match(
      told(address),
      /--url = "\(hidden\)": expected an address such as http:\/\/host, without user/,
      address,
    );
    assert.ok(!told(address).includes("secret"));
  }
});

test("a command that is wrong is told as such, with how it is used", () => {
  const told = (...argv: string[]): string => {
    const loaded = loadConfig({ ...nothing, argv });
    assert.ok(!loaded.ok);
    return printProblems(loaded.problems, loaded.command);
  };
  assert.match(
    told("rules", "foo"),
    /^weir rules can't be run so:\n {2}foo: .*\nUsage: weir rules \[list \| get RULE .*--help/,
  );
  assert.match(told("stats", "r", "--limit"), /^weir stats can't be run so:\n.*--limit.* argument missing\n/);
  assert.match(told("stats", "r", "--json=no"), /--json: takes no value/);
  assert.match(
    told("nonsense"),
    /^Weir can't start .*\n {2}nonsense: is not a command of Weir; `weir --help` lists them\n$/,
  );
});

test("with roles apart nothing is started to verify or rebuild: a query process is named", () => {
  const env = {
    ...{ WEIR_ROLES: "query", WEIR_KAFKA_BROKERS: "k:9092" },
    ...{ WEIR_CLICKHOUSE_URL: "http://store:8123", WEIR_MONGO_URL: "mongodb://rules/weir" },
  };
  for (const command of ["verify", "rebuild"]) {
    assert.match(problems({ argv: [command], env })[0]!, /with roles apart, --url has to name a query process/);
    good({ argv: [command, "--url", "http://query:8001"], env });
    good({ argv: [command], env: { ...env, WEIR_ROLES: "" } });
  }
});

test("the archive is kept by a process that can be asked to erase", () => {
  const roles = (...names: string[]) => [
    ...["--roles", names.join(","), "--archive", "on", "--kafka-brokers", "k:9092"],
    ...["--clickhouse-url", "http://store:8123", "--mongo-url", "mongodb://rules/weir"],
  ];
  good({ argv: roles("query") });
  for (const role of ["ingest", "processor"])
    assert.match(problems({ argv: roles(role) })[0]!, /--archive: is filled by one process with the role query/);
});

test("MongoDB's address may name several hosts, and is shown without its secrets", () => {
  const address = "mongodb://u:geheim@a:27017,b:27017/weir?replicaSet=rs0";
  const loaded = loadConfig({ ...nothing, argv: ["--mongo-url", address] });
  assert.ok(loaded.ok);
  assert.equal(loaded.config.mongoUrl, address);
  assert.match(printConfig(loaded.config, loaded.sources), /mongodb:\/\/\*\*\*@a:27017,b:27017\/weir\?replicaSet=rs0 /);
  for (const wrong of ["mongodb://", "mongodb:/host", "host:27017", "mongodb://a b"])
    assert.match(problemsOf(["--mongo-url", wrong])[0]!.message, /^expected an address such as mongodb:/);
});

function problemsOf(argv: readonly string[]): Extract<ReturnType<typeof loadConfig>, { ok: false }>["problems"] {
  const loaded = loadConfig({ ...nothing, argv });
  assert.ok(!loaded.ok);
  return loaded.problems;
}

test("values that contradict each other are refused", () => {
  assert.match(problems({ argv: ["--ingest-port", "8001"] })[0]!, /the port is also that of ingest-port/);
  assert.match(
    problems({ argv: ["--kafka-sasl", "plain", "--kafka-user", "u"] })[0]!,
    /needs kafka-user and kafka-password/,
  );
  assert.match(problems({ argv: ["--kafka-ca", "ca.pem"] })[0]!, /is for kafka-tls, which is off/);
  assert.match(problems({ argv: ["--archive", "on", "--mongo-url", "mongodb://h/w"] })[0]!, /needs kafka-brokers and/);
  const named = (topic: number, group: number): string[] => [
    "--kafka-topic",
    "t".repeat(topic),
    "--kafka-group",
    "g".repeat(group),
  ];
  const onKafka = ["--kafka-brokers", "k:1"];
  for (const [topic, group, path] of [
    [140, 100, "topic"],
    [100, 140, "group"],
  ] as const) {
    const [problem] = problems({ argv: [...onKafka, ...named(topic, group)] });
    assert.match(
      problem!,
      /the topic of progress, t+\.g+\.progress, has a name of 250 characters, and Kafka takes 249/,
    );
    assert.ok(problem!.startsWith(`--kafka-${path}`), problem);
  }
  good({ argv: [...onKafka, ...named(140, 99)] });
  good({ argv: named(140, 100) });
  const shared = ["--kafka-brokers", "k:1", "--clickhouse-url", "http://c:8123", "--mongo-url", "mongodb://h/w"];
  assert.match(
    problems({ argv: ["--archive", "on", "--roles", "processor", ...shared] })[0]!,
    /one process with the role query/,
  );
  const told = good({ argv: ["--kafka-sasl", "plain", "--kafka-user", "u", "--kafka-password", "secret"] });
  assert.ok(!printConfig(told.config, told.sources).includes("secret"));
  assert.match(problems({ argv: ["--inflight-bytes-max", "1MiB"] })[0]!, /smaller than body-bytes-max/);
  good({ argv: ["--ingest-port", "0", "--query-port", "0"] });
});

test("several addresses of ClickHouse go with the cluster whose shards they are", () => {
  const [one, two] = ["http://c1:8123", "https://c2:8443"];
  const shards = ["--clickhouse-shards", "main"];
  assert.deepEqual(good({ argv: ["--clickhouse-url", `${one},${two}`, ...shards] }).config.clickhouseUrl, [one, two]);
  assert.match(
    problems({ argv: ["--clickhouse-url", `${one},${two}`] })[0]!,
    /--clickhouse-url.* of several addresses clickhouse-shards has to name/,
  );
  for (const argv of [["--clickhouse-url", one, ...shards], shards])
    assert.match(problems({ argv })[0]!, /--clickhouse-shards.* is of several addresses in clickhouse-url/);
  for (const urls of ["none", `${one},`, `${one},c2:8123`])
    assert.match(
      problems({ argv: ["--clickhouse-url", urls] })[0]!,
      /a list with commas between; each an address such as/,
    );
});

test("roles in processes of their own need what these share, and all of it is told at once", () => {
  const lacks = (...argv: string[]): string[] =>
    problems({ argv }).map((problem) => /needs (--[a-z-]+)/.exec(problem)?.[1] ?? problem);
  assert.deepEqual(lacks("--roles", "ingest"), ["--kafka-brokers"]);
  assert.deepEqual(lacks("--roles", "query,ingest"), ["--kafka-brokers", "--clickhouse-url", "--mongo-url"]);
  const brokers = ["--kafka-brokers", "kafka:9092"];
  assert.deepEqual(lacks("--roles", "processor", ...brokers), ["--clickhouse-url", "--mongo-url"]);
  good({ argv: ["--roles", "ingest", ...brokers] });
  const places = [...brokers, "--clickhouse-url", "http://store:8123", "--mongo-url", "mongodb://rules/weir"];
  for (const roles of ["processor", "query", "ingest,query", "query,processor"])
    good({ argv: ["--roles", roles, ...places] });
  good({ argv: ["--roles", "query,processor,ingest"] });
  assert.match(problems({ argv: ["--roles", "none"] })[0]!, /one role or more of ingest, processor, query/);
  assert.match(problems({ argv: ["--roles", "querry"] })[0]!, /expected .*ingest, processor, query|expected/);
});

test("the demo has options of its own, on the command line only", () => {
  const { command, demo } = good({ argv: ["demo", "--speed", "500", "--events", "1000"] });
  assert.deepEqual([command, demo], ["demo", { speed: 500, events: 1000 }]);
  assert.match(problems({ argv: ["serve", "--speed", "5"] })[0]!, /--speed: is an option of demo/);
});

test("config prints every option with its source, aligned", () => {
  const { config, sources } = good({ env: { WEIR_LOG_LEVEL: "warn" } });
  const lines = printConfig(config, sources).trimEnd().split("\n");
  assert.equal(lines.length, optionKeys.length);
  assert.ok(lines.some((line) => /^log-level +warn +WEIR_LOG_LEVEL$/.test(line)));
  assert.ok(lines.some((line) => /^log-bytes-max +10GiB +default$/.test(line)));
});

test("a command's own option is given on the command line only, and whoever gives it elsewhere is told so", () => {
  const elsewhere = /: is not read: --url is a command's own option, which is given on the command line only$/;
  for (const argv of [["serve"], ["stats", "r"]]) {
    const [told, ...more] = problems({ argv, env: { WEIR_URL: "http://here:8001" } });
    assert.match(told!, /^WEIR_URL: /);
    assert.match(told!, elsewhere);
    assert.deepEqual(more, []);
  }
  const [told] = problems({ argv: ["serve", "--config", "w.json"], readFile: () => '{"url":"http://here"}' });
  assert.match(told!, /^w\.json: url: /);
  assert.match(told!, elsewhere);
});

test("a host is a name, or an address of either kind, and has no port", () => {
  for (const host of ["localhost", "10.0.0.7", "::", "::1", "fe80::1%eth0", "2001:db8::7"])
    assert.equal(good({ argv: ["--host", host] }).config.host, host);
  for (const host of ["localhost:8001", ":8001", "10.0.0.7:80", ""])
    assert.deepEqual(
      problems({ argv: ["--host", host] }),
      ["--host: expected an address or host name to listen on, without a port"],
      host,
    );
});
