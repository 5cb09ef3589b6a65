/**
 * `npm run image`: builds both images of deploy/Dockerfile and runs Weir with its load test as deploy/compose.embedded.yaml says, for
 * real, with podman or docker, whichever is there. Ends with what the load test ends with.
 *
 *     npm run image -- --base localhost/node     another base than the pinned one, where no registry of images is reached
 *     npm run image -- --events 20000
 *
 * Compose is `docker compose`, or the program that COMPOSE names.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../", import.meta.url));
const file = "deploy/compose.embedded.yaml";
const project = `weir-try-${process.pid}`;

const { values } = parseArgs({
  options: {
    base: { type: "string" },
    events: { type: "string", default: "100000" },
    engine: { type: "string" },
  },
});
const engine = values.engine ?? (isThere("podman") ? "podman" : "docker");
const compose = (process.env["COMPOSE"] ?? "docker compose").split(" ");
const socket = `${tmpdir()}/${project}.sock`;
const env = {
  ...process.env,
  ...(engine === "podman" ? { DOCKER_HOST: `unix://${socket}` } : {}),
  WEIR_IMAGE: "localhost/weir:try",
  LOAD_TEST_EVENTS: values.events,
};

process.exitCode = build("roles", "localhost/weir-roles:try") ?? build("weir", env.WEIR_IMAGE) ?? (await tryOut());

/** Undefined when it went well. */
function build(target: string, tag: string): number | undefined {
  const base = values.base === undefined ? [] : ["--build-arg", `NODE_IMAGE=${values.base}`];
  const isolation = engine === "podman" ? ["--isolation", "chroot", "--format", "docker"] : [];
  const args = ["build", ...isolation, ...base, "-f", "deploy/Dockerfile", "--target", target, "-t", tag, "."];
  const { status } = spawnSync(engine, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) return status ?? 1;
  const bytes = Number(execFileSync(engine, ["image", "inspect", "--format", "{{.Size}}", tag], { encoding: "utf8" }));
  console.log(`${tag}: ${(bytes / 1e6).toFixed(0)} MB`);
  return undefined;
}

async function tryOut(): Promise<number> {
  const [program = "", ...first] = compose;
  const base = [...first, "-f", file, "-p", project];
  // Compose speaks to a socket, which podman opens only when it is asked to.
  const service =
    engine === "podman"
      ? spawn(engine, ["system", "service", "--time=0", `unix://${socket}`], { stdio: "ignore" })
      : undefined;
  for (const end = performance.now() + 60_000; service && !existsSync(socket) && performance.now() < end;)
    await pause(50);
  // Without systemd podman runs no health check by itself.
  const checking = engine === "podman" ? setInterval(checkHealth, 3000) : undefined;
  try {
    const args = [...base, "up", "--no-build", "--exit-code-from", "load-test", "load-test"];
    return await ended(program, args);
  } finally {
    clearInterval(checking);
    await ended(program, [...base, "--profile", "load-test", "down", "--volumes", "--timeout", "15"]);
    service?.kill();
  }
}

function checkHealth(): void {
  const filter = ["--filter", `label=com.docker.compose.project=${project}`, "--format", "{{.Names}}"];
  const names = spawnSync(engine, ["ps", ...filter], { encoding: "utf8" }).stdout.split("\n");
  for (const name of names.filter((each) => each.includes("-weir-")))
    spawn(engine, ["healthcheck", "run", name], { stdio: "ignore" });
}

function ended(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function isThere(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}
