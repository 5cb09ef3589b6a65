import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { parseSize } from "../src/config/units.ts";
import { chartStamp, manifestsOf, renderedFile } from "./check/chart.ts";
import type { Manifest } from "./check/chart.ts";
import { environmentOf, stagesOf } from "./check/dockerfile.ts";
import { memoryOf } from "./check/memory.ts";
import { readCompose, textOf } from "./check/read.ts";
import { startedWith } from "./check/started-with.ts";

const manifests = manifestsOf(textOf(renderedFile));
const roles = ["ingest", "processor", "query"];
const of = (kind: string): readonly Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
const named = (kind: string, name: string): Manifest => of(kind).find(({ metadata }) => metadata.name === name)!;
/** The processes of a role. */
const processesOf = (role: string): Manifest =>
  named("Deployment", `try-${role}`) ?? named("StatefulSet", `try-${role}`);

test("what Helm made of the chart is of the chart as it is; `npm run chart` makes it anew", () => {
  assert.equal(/^# Made by `npm run chart` of (\w+)\.\n/.exec(textOf(renderedFile))?.[1], chartStamp());
});

test("each role has its processes, a service that finds them, and a bound of how many may go at a time", () => {
  assert.equal(manifests.length, 3 * roles.length + 2);
  for (const role of roles) {
    const { spec } = processesOf(role);
    const labels = spec.template!.metadata.labels;
    assert.deepEqual(spec.selector!.matchLabels, labels);
    assert.deepEqual(named("Service", `try-${role}`).spec.selector, labels);
    const spreads = spec.template!.spec.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels);
    assert.deepEqual(spreads, [labels]);
    assert.deepEqual(named("PodDisruptionBudget", `try-${role}`).spec.selector!.matchLabels, labels);
    const [container] = spec.template!.spec.containers;
    const [port] = container!.ports;
    assert.equal(port!.containerPort, role === "ingest" ? 8000 : 8001);
    assert.deepEqual(named("Service", `try-${role}`).spec.ports![0], {
      name: port!.name,
      port: port!.containerPort,
      targetPort: port!.name,
    });
    assert.deepEqual(container!.readinessProbe.httpGet, { path: "/ready", port: port!.name });
    const volumes = [
      ...spec.template!.spec.volumes,
      ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata),
    ];
    for (const { name } of container!.volumeMounts)
      assert.ok(
        volumes.some((volume) => volume.name === name),
        name,
      );
  }
  assert.equal(processesOf("processor").spec.replicas, 3);
});

test("who keeps something has a volume and a name of its own; a process of the others is replaced when its machine is gone", () => {
  const { roles: values } = parse(textOf("deploy/helm/weir/values.yaml")) as { roles: Record<string, Kept> };
  const kinds = { ingest: "Deployment", processor: "Deployment", query: "StatefulSet" };
  assert.deepEqual(Object.fromEntries(roles.map((role) => [role, processesOf(role).kind])), kinds);
  for (const role of roles) {
    const { kind, spec } = processesOf(role);
    assert.equal(kind === "StatefulSet", values[role]!.storage !== "");
    const own = [spec.serviceName, spec.podManagementPolicy, spec.volumeClaimTemplates?.length, spec.strategy];
    const expected =
      kind === "StatefulSet"
        ? [`try-${role}`, "Parallel", 1, undefined]
        : [undefined, undefined, undefined, { rollingUpdate: { maxUnavailable: 1 } }];
    assert.deepEqual(own, expected, role);
  }
});

interface Kept {
  readonly storage: string;
}

const envOf = (role: string): readonly { readonly name: string; readonly value: string }[] =>
  processesOf(role).spec.template!.spec.containers[0]!.env;

test("each role starts with its environment and the secret's; a role's own options go before those of all", () => {
  const ofImage = environmentOf(stagesOf(textOf("deploy/Dockerfile")), "roles");
  // As docs/deploy.md makes it.
  const secret = { WEIR_CLICKHOUSE_PASSWORD: "…", WEIR_MONGO_URL: "mongodb://mongo/weir" };
  for (const role of roles) {
    const env = envOf(role);
    assert.equal(new Set(env.map(({ name }) => name)).size, env.length);
    const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const config = startedWith({ ...ofImage, ...secret, ...given });
    const memory = processesOf(role).spec.template!.spec.containers[0]!.resources.limits["memory"]!;
    const needed = memoryOf(config);
    assert.ok(parseSize(`${memory}B`)! >= needed, `${role}: ${memory} is less than ${Math.ceil(needed / 2 ** 20)} MiB`);
    assert.deepEqual([config.roles, config.host], [[role], "0.0.0.0"]);
    if (role !== "ingest") assert.throws(() => startedWith({ ...ofImage, ...given }), /needs --mongo-url/, role);
  }
  assert.equal(envOf("processor").find(({ name }) => name === "WEIR_BATCH_EVENTS_MAX")?.value, "100000");
});

test("what the values give to every process is an option with a value that it takes, or left to be given", () => {
  const { config } = parse(textOf("deploy/helm/weir/values.yaml")) as { config: Record<string, string> };
  startedWith(config);
  const unsaid = Object.keys(config).filter((name) => config[name] === "");
  assert.deepEqual(unsaid, ["WEIR_KAFKA_BROKERS", "WEIR_CLICKHOUSE_URL"]);
});

test("the image is where its user has pushed it: the chart names none, and the steps of docs/deploy.md do", () => {
  const { image } = parse(textOf("deploy/helm/weir/values.yaml")) as { image: { repository: string } };
  assert.equal(image.repository, "", "a name that nobody has pushed could not be pulled");
  const { properties } = JSON.parse(textOf("deploy/helm/weir/values.schema.json")) as {
    properties: { image: { properties: { repository: { minLength: number } } } };
  };
  assert.equal(properties.image.properties.repository.minLength, 1, "who does not say it is told at once");
  const steps = textOf("docs/deploy.md");
  const [, pushed = "", tag = ""] = /^ {4}docker push (\S+):(\S+)$/m.exec(steps)!;
  assert.match(
    steps,
    new RegExp(`^ {4}docker build -f deploy/Dockerfile -t ${pushed}:${tag} --target roles \\.$`, "m"),
  );
  assert.match(steps, new RegExp(`^ {4}helm install .*--set image.repository=${pushed} --set image.tag=${tag} `, "m"));
  for (const role of roles)
    assert.equal(processesOf(role).spec.template!.spec.containers[0]!.image, `${pushed}:${tag}`, role);
});

test("batches are as far apart as in compose.yaml, which has as many partitions", () => {
  const { config } = parse(textOf("deploy/helm/weir/values.yaml")) as { config: Record<string, string> };
  const { environment } = readCompose("deploy/compose.yaml").services["processor"]!;
  for (const name of ["WEIR_KAFKA_PARTITIONS", "WEIR_FLUSH_DELAY"])
    assert.equal(config[name], environment![name], name);
});

test("authorities of one's own are files that each process can read, where its options name them", () => {
  for (const role of roles) {
    const { containers, volumes } = processesOf(role).spec.template!.spec;
    const mount = containers[0]!.volumeMounts.find(({ name }) => name === "certificates");
    assert.deepEqual(mount, { name: "certificates", mountPath: "/etc/weir/certificates", readOnly: true }, role);
    const volume = volumes.find(({ name }) => name === "certificates");
    assert.equal(volume?.secret?.secretName, "weir-certificates", role);
    const named = envOf(role).find(({ name }) => name === "WEIR_CLICKHOUSE_CA");
    assert.ok(named?.value.startsWith(`${mount.mountPath}/`), role);
  }
});

test("pods run as nobody in particular, on a file system that can't be written, and get no variables of services", () => {
  for (const role of roles) {
    const { spec } = processesOf(role).spec.template!;
    const [container] = spec.containers;
    // WEIR_INGEST_PORT would be an address.
    assert.equal(spec.enableServiceLinks, false);
    assert.equal(spec.securityContext["runAsNonRoot"], true);
    assert.deepEqual(container!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.ok(container!.resources.limits["memory"]);
  }
});

test("a pod that is stopped listens until it is out of its service, and has ten seconds for its stop after that", () => {
  for (const role of roles) {
    const { spec } = processesOf(role).spec.template!;
    const { command } = spec.containers[0]!.lifecycle.preStop.exec;
    // The action `sleep` of Kubernetes itself is younger than what the chart asks for.
    assert.equal(command[0], "sleep");
    const pauseSeconds = Number(command[1]);
    assert.ok(pauseSeconds >= 5 && spec.terminationGracePeriodSeconds >= pauseSeconds + 10 + 5);
  }
});

test("the way in leads to the services of the two APIs; of a process that takes events one may ask how it is", () => {
  const paths = of("Ingress").flatMap(({ spec }) => spec.rules!.flatMap(({ http }) => http.paths));
  assert.deepEqual(
    paths.map(({ path, pathType, backend }) => [path, pathType, backend.service.name, backend.service.port.name]),
    [
      ["/ingest", "Prefix", "try-ingest", "http"],
      ["/health", "Exact", "try-ingest", "http"],
      ["/ready", "Exact", "try-ingest", "http"],
      ["/", "Prefix", "try-query", "http"],
    ],
  );
});

test("a client's questions come to the same process each time, and its events to any", () => {
  const kept = (role: string) => named("Service", `try-${role}`).spec.sessionAffinity;
  assert.deepEqual(roles.map(kept), [undefined, undefined, "ClientIP"]);
  const chosen = (role: string) =>
    named("Ingress", `try-${role}`).metadata.annotations!["nginx.ingress.kubernetes.io/upstream-hash-by"];
  assert.deepEqual([chosen("ingest"), chosen("query")], [undefined, "$remote_addr"]);
});

test("the schema has every value that there is, and no other", () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly definitions?: Readonly<Record<string, Schema>>;
    readonly $ref?: string;
  }
  const schema = JSON.parse(textOf("deploy/helm/weir/values.schema.json")) as Schema;
  const values = parse(textOf("deploy/helm/weir/values.yaml")) as Record<string, Record<string, object>>;
  const keys = (at: Schema | undefined): string[] =>
    Object.keys(at?.properties ?? {}).filter((key) => key !== "global");
  assert.deepEqual(Object.keys(values).sort(), keys(schema).sort());
  for (const part of ["image", "ingress", "roles"])
    assert.deepEqual(Object.keys(values[part]!).sort(), keys(schema.properties![part]).sort());
  for (const role of roles)
    assert.deepEqual(Object.keys(values["roles"]![role]!).sort(), keys(schema.definitions!["role"]).sort());
});
