import { buildKeys, conditions, healthcheckKeys, serviceKeys, topKeys } from "./compose-keys.ts";

/** As much of a service as is looked at. */
export interface Service {
  readonly image?: string;
  readonly build?: { readonly context?: string; readonly dockerfile?: string; readonly target?: string };
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>;
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly string[]; readonly interval?: string };
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> } };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** What the file leads to outside of itself. */
export interface Around {
  /** Whether there is such a file or folder, as seen from the compose file's folder. */
  readonly exists: (path: string) => boolean;
  /** The stages of the Dockerfile. */
  readonly stages: readonly string[];
}

/** Everything in which a compose file does not hold together, one line each. */
export function composeProblems(file: ComposeFile, around: Around): string[] {
  return [
    ...unknownKeys("the file", withoutExtensions(file), topKeys),
    ...Object.entries(file.services).flatMap(([name, service]) =>
      [
        ...unknownKeys("", service, serviceKeys),
        ...imageProblems(service, around),
        ...dependencyProblems(service, file),
        ...healthProblems(service),
        ...networkProblems(service, file),
        ...volumeProblems(service, file, around),
        ...limitProblems(service),
        ...addressProblems(name, service, file),
      ].map((problem) => `${name}: ${problem}`),
    ),
    ...unusedOnes(file),
  ];
}

const withoutExtensions = (of: object): object =>
  Object.fromEntries(Object.entries(of).filter(([key]) => !key.startsWith("x-")));

function unknownKeys(where: string, of: object | undefined, known: readonly string[]): string[] {
  return Object.keys(of ?? {})
    .filter((key) => !known.includes(key))
    .map((key) => `${where === "" ? "" : `${where}: `}${key} is not known`);
}

/** Others' images are pinned by their digest; ours is built, of a stage that there is. */
function imageProblems({ image = "", build }: Service, { exists, stages }: Around): string[] {
  if (build === undefined)
    return /:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image) ? [] : [`image ${image} has no tag and digest`];
  const { context = ".", dockerfile = "Dockerfile", target = "" } = build;
  return [
    ...unknownKeys("build", build, buildKeys),
    ...(exists(`${context}/${dockerfile}`) ? [] : [`build: there is no ${dockerfile} in ${context}`]),
    ...(stages.includes(target) ? [] : [`build: ${target} is no stage of the Dockerfile`]),
  ];
}

function dependencyProblems({ depends_on = {} }: Service, { services }: ComposeFile): string[] {
  return Object.entries(depends_on).flatMap(([name, { condition = "" }]) => {
    const target = services[name];
    if (target === undefined) return [`depends on ${name}, which is not there`];
    if (!conditions.includes(condition)) return [`depends on ${name} by ${condition}, which is no condition`];
    if (condition === "service_healthy" && target.healthcheck?.test === undefined)
      return [`waits for ${name} to be healthy, which has no health check`];
    if (condition === "service_completed_successfully" && target.restart !== "no")
      return [`waits for ${name} to end, which is started again`];
    return [];
  });
}

function healthProblems({ healthcheck }: Service): string[] {
  if (healthcheck === undefined) return ["has no health check"];
  if (healthcheck.disable === true) return [];
  const [kind, ...command] = healthcheck.test ?? [];
  const isRight = (kind === "CMD" && command.length > 0) || (kind === "CMD-SHELL" && command.length === 1);
  return [
    ...unknownKeys("healthcheck", healthcheck, healthcheckKeys),
    ...(isRight ? [] : ["healthcheck: test has to be CMD and words, or CMD-SHELL and one text"]),
    ...(healthcheck.interval === undefined ? ["healthcheck: has no interval"] : []),
  ];
}

const networkProblems = ({ networks = [] }: Service, file: ComposeFile): string[] =>
  networks.filter((name) => !Object.hasOwn(file.networks ?? {}, name)).map((name) => `network ${name} is not declared`);

function volumeProblems({ volumes = [] }: Service, file: ComposeFile, { exists }: Around): string[] {
  return volumes.flatMap((volume) => {
    const [source = ""] = volume.split(":");
    if (!volume.includes(":")) return [];
    if (source.startsWith(".")) return exists(source) ? [] : [`${source} is mounted and not there`];
    return Object.hasOwn(file.volumes ?? {}, source) ? [] : [`volume ${source} is not declared`];
  });
}

const limitProblems = ({ deploy }: Service): string[] =>
  ["cpus", "memory", "pids"]
    .filter((name) => deploy?.resources?.limits?.[name] === undefined)
    .map((name) => `has no limit of ${name}`);

/** Every `host:port` in the environment is another service on a network of this one, and no service of its own. */
function addressProblems(
  name: string,
  { environment = {}, networks = ["default"] }: Service,
  { services }: ComposeFile,
): string[] {
  const hosts = Object.values(environment).flatMap((value) =>
    [...String(value).matchAll(/(?:^|[/@,])([a-z][a-z0-9-]*):\d{2,5}\b/g)].map(([, host = ""]) => host),
  );
  return hosts.flatMap((host) => {
    const target = services[host];
    if (target === undefined) return [`the environment names ${host}, which is no service`];
    const isNear = host === name || (target.networks ?? ["default"]).some((network) => networks.includes(network));
    return isNear ? [] : [`the environment names ${host}, which is on no network of this service`];
  });
}

function unusedOnes({ services, networks = {}, volumes = {} }: ComposeFile): string[] {
  const all = Object.values(services);
  const named = all.flatMap((service) => service.volumes ?? []).map((volume) => volume.split(":")[0]);
  const joined = all.flatMap((service) => service.networks ?? []);
  return [
    ...Object.keys(volumes)
      .filter((name) => !named.includes(name))
      .map((name) => `volume ${name} is not used`),
    ...Object.keys(networks)
      .filter((name) => !joined.includes(name))
      .map((name) => `network ${name} is not used`),
  ];
}
