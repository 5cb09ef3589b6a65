import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { roleNames } from "../src/config/options.ts";
import { parseSize } from "../src/config/units.ts";
import { composeProblems } from "./check/compose.ts";
import type { Around, Service } from "./check/compose.ts";
import { environmentOf, stagesOf } from "./check/dockerfile.ts";
import { memoryOf, ofPage } from "./check/memory.ts";
import { readCompose, root, textOf } from "./check/read.ts";
import { startedWith } from "./check/started-with.ts";
import { settingsOf } from "./load-test/settings.ts";

const around: Around = {
  exists: (path) => existsSync(`${root}deploy/${path}`),
  stages: stagesOf(textOf("deploy/Dockerfile")).map(({ name }) => name),
};
const files = ["deploy/compose.yaml", "deploy/compose.embedded.yaml"];
const whole = readCompose("deploy/compose.yaml");
const embedded = readCompose("deploy/compose.embedded.yaml");

for (const file of files)
  test(`${file} holds together: keys, images, dependencies, networks, volumes, limits, addresses`, () => {
    assert.deepEqual(composeProblems(readCompose(file), around), []);
  });

test("compose.yaml has three brokers, a replica set, ClickHouse, a process of each role, nginx and the load test", () => {
  assert.deepEqual(Object.keys(whole.services).sort(), [
    ...["clickhouse", "ingest", "kafka-1", "kafka-2", "kafka-3", "load-test"],
    ...["mongo-1", "mongo-2", "mongo-3", "mongo-setup", "nginx", "processor", "query"],
  ]);
  for (const role of ["ingest", "processor", "query"])
    assert.equal(whole.services[role]!.environment!["WEIR_ROLES"], role);
  const ports = Object.entries(whole.services).filter(([, { ports = [] }]) => ports.length > 0);
  assert.deepEqual(
    ports.map(([name]) => name),
    ["nginx"],
    "nothing but nginx has ports on the machine",
  );
});

/** What a Weir of the image has in its environment besides what a file gives it. */
const ofImage = environmentOf(stagesOf(textOf("deploy/Dockerfile")), "roles");

test("each Weir starts with its environment: options, values, and what they need of each other", () => {
  const weirs = files.flatMap((file) =>
    Object.entries(readCompose(file).services).filter(
      ([name, { build }]) => build !== undefined && name !== "load-test",
    ),
  );
  assert.deepEqual(weirs.map(([name]) => name).sort(), [...roleNames, "weir"].sort());
  for (const [name, { environment = {} }] of weirs) {
    const config = startedWith({ ...ofImage, ...environment });
    assert.deepEqual(config.roles, name === "weir" ? roleNames : [name], name);
    assert.deepEqual([config.host, config.dataDir], ["0.0.0.0", "/var/lib/weir"], name);
  }
  for (const file of files) settingsOf(readCompose(file).services["load-test"]!.environment as Record<string, string>);
});

test("Weirs that work together have the same log, store and rules", () => {
  const [first, ...others] = roleNames.map((role) => startedWith({ ...whole.services[role]!.environment }));
  for (const key of [
    "kafkaBrokers",
    "kafkaTopic",
    "kafkaGroup",
    "clickhouseUrl",
    "clickhouseDatabase",
    "mongoUrl",
  ] as const)
    for (const other of others) assert.deepEqual(other[key], first![key], key);
  const { CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DB } = whole.services["clickhouse"]!.environment!;
  const { clickhouseUser, clickhousePassword, clickhouseDatabase } = others[0]!;
  assert.deepEqual(
    [clickhouseUser, clickhousePassword, clickhouseDatabase],
    [CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DB],
  );
});

test("an environment that Weir does not start with is found", () => {
  const query = whole.services["query"]!.environment!;
  for (const [change, message] of [
    [{ WEIR_MONGO_URL: "" }, /query needs --mongo-url/],
    [{ WEIR_ROLES: "querry" }, /WEIR_ROLES.*one of ingest, processor, query/],
    [{ WEIR_FLUSH_DELY: "1s" }, /did you mean WEIR_FLUSH_DELAY/],
    [{ WEIR_KAFKA_SASL: "plain" }, /needs kafka-user/],
  ] as const)
    assert.throws(() => startedWith({ ...query, ...change }), message);
});

test("the containers of Weir are read-only, without capabilities and never get new ones", () => {
  for (const file of [whole, embedded])
    for (const [name, service] of Object.entries(file.services).filter(([, { build }]) => build !== undefined)) {
      const { read_only, cap_drop, security_opt } = service as Record<string, unknown>;
      assert.deepEqual([name, read_only, cap_drop, security_opt], [name, true, ["ALL"], ["no-new-privileges:true"]]);
    }
});

test("a container of Weir has as much memory as docs/operating.md says that its processes may use", () => {
  const [sum = ""] = /^ {4}server +\d+ MiB[^]+?engine-memory-max$/m.exec(textOf("docs/operating.md"))!;
  const figures = [...sum.matchAll(/(\d+) MiB/g)].map(([, figure]) => Number(figure));
  assert.deepEqual(figures, ofPage, "deploy/check/memory.ts reckons with these");
  const weirs: Readonly<Record<string, Service>> = { ...whole.services, weir: embedded.services["weir"]! };
  for (const name of [...roleNames, "weir"]) {
    const needed = memoryOf(startedWith({ ...ofImage, ...weirs[name]!.environment }));
    const memory = String(weirs[name]!.deploy!.resources!.limits!["memory"]);
    const limit = parseSize(memory.replace(/g$/, "GiB").replace(/m$/, "MiB"))!;
    assert.ok(limit >= needed, `${name}: ${memory} is less than ${Math.ceil(needed / 2 ** 20)} MiB`);
  }
});

/** Each change must be found, and be the only thing that is. */
const canaries: readonly (readonly [string, (file: Changeable) => void, RegExp])[] = [
  ["a mistyped key", ({ services }) => (services["query"]!["enviroment"] = {}), /query: enviroment is not known/],
  [
    "an unpinned image",
    ({ services }) => (services["nginx"]!["image"] = "nginx:latest"),
    /nginx: image nginx:latest has no/,
  ],
  [
    "a stage that is not there",
    ({ services }) => (services["ingest"]!["build"] = { context: "..", dockerfile: "deploy/Dockerfile", target: "x" }),
    /ingest: build: x is no stage/,
  ],
  [
    "a dependency that is not there",
    ({ services }) => (services["nginx"]!["depends_on"] = { web: { condition: "service_started" } }),
    /nginx: depends on web/,
  ],
  [
    "waiting for health that nobody checks",
    ({ services }) => (services["nginx"]!["depends_on"] = { "load-test": { condition: "service_healthy" } }),
    /nginx: waits for load-test to be healthy/,
  ],
  [
    "waiting for the end of what goes on",
    ({ services }) => (services["nginx"]!["depends_on"] = { query: { condition: "service_completed_successfully" } }),
    /nginx: waits for query to end/,
  ],
  [
    "a service without a health check",
    ({ services }) => delete services["clickhouse"]!["healthcheck"],
    /clickhouse: has no health check/,
  ],
  [
    "a network that is not declared",
    ({ services }) => (services["query"]!["networks"] = ["inside", "back"]),
    /query: network back is not declared/,
  ],
  [
    "a volume that is not declared",
    ({ services }) => (services["mongo-1"]!["volumes"] = ["mongo-1:/data/db", "other:/x"]),
    /mongo-1: volume other is not declared/,
  ],
  [
    "a file that is not there",
    ({ services }) => (services["nginx"]!["volumes"] = ["./nginx/other.conf:/etc/nginx/nginx.conf:ro"]),
    /nginx: \.\/nginx\/other\.conf is mounted/,
  ],
  [
    "a service without limits",
    ({ services }) => delete services["kafka-1"]!["deploy"],
    /kafka-1: has no limit of memory/,
  ],
  [
    "an address of nobody",
    ({ services }) => (services["load-test"]!["environment"] = { A: "http://proxy:8000" }),
    /load-test: the environment names proxy/,
  ],
  [
    "an address that can't be reached",
    ({ services }) => (services["clickhouse"]!["networks"] = ["front"]),
    /query: the environment names clickhouse, which is on no network/,
  ],
  ["a volume of nobody", (file) => (file.volumes = { ...file.volumes, spare: {} }), /volume spare is not used/],
];

type Changeable = { services: Record<string, Record<string, unknown>>; volumes: Record<string, unknown> };

for (const [what, change, expected] of canaries)
  test(`the check finds ${what}`, () => {
    const file = structuredClone(readCompose("deploy/compose.yaml")) as unknown as Changeable;
    change(file);
    assert.match(composeProblems(file, around).join("\n"), expected);
  });

test("what a check starts for the health of a Weir is in its image", () => {
  const checks = Object.values<Service>({ ...whole.services, ...embedded.services }).flatMap(
    ({ healthcheck }) => healthcheck?.test ?? [],
  );
  const programs = checks.filter((word) => word.endsWith(".mjs"));
  assert.ok(programs.length >= 4);
  for (const program of programs) assert.ok(existsSync(root + program), program);
});
