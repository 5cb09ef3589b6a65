import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { archiveOptions } from "./class-archive.ts";
import type { Programs } from "./formatted.ts";

const kafkaVersion = "4.3.1";
/** Without one the broker says nothing of what is wrong with it. */
const loggerVersion = "1.7.36";

const java = spawnSync("java", ["-version"], { encoding: "utf8" });

/** A small memory, and no time spent on code that runs for seconds only. */
const options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Why the real Apache Kafka can't run here; undefined when it can. For `unlessMissing`. */
export const whyNoKafka: string | undefined = (() => {
  if (java.status !== 0) return "no Java (17 or newer) here, which the Kafka broker runs on";
  if (!existsSync(folder()) && !runs("mvn", "-v")) return "no Maven here, which fetches the Kafka broker";
  return undefined;
})();

/** Kafka's programs, fetched if need be. */
export async function kafka(): Promise<Programs> {
  const jars = await kafkaJars();
  const archive = await archiveOptions({ options, jars, version: java.stderr });
  return { java: [...options, ...archive, "-cp", `${jars}/*`], jars };
}

/**
 * The broker and Kafka's own tools with all that they need, as the folder for a class path. The first call on a machine fetches it (44 MB); it is
 * kept outside the checkout. Two that fetch at once don't disturb each other: each has a folder of its own, and the first
 * to be whole gets the name.
 */
async function kafkaJars(): Promise<string> {
  if (existsSync(folder())) return folder();
  await mkdir(cache(), { recursive: true });
  const own = await mkdtemp(join(cache(), "fetching-"));
  await writeFile(join(own, "pom.xml"), pom);
  const args = ["-q", "-B", "-f", join(own, "pom.xml"), "dependency:copy-dependencies"];
  await promisify(execFile)("mvn", [...args, "-DincludeScope=runtime", `-DoutputDirectory=${join(own, "jars")}`]);
  await rename(join(own, "jars"), folder()).catch((error: unknown) => {
    if (!existsSync(folder())) throw error;
  });
  await rm(own, { recursive: true, force: true });
  return folder();
}

function cache(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "weir-test");
}

function folder(): string {
  return join(cache(), `kafka-${kafkaVersion}-with-tools`);
}

function runs(program: string, option: string): boolean {
  return spawnSync(program, [option]).status === 0;
}

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir.test</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    ${dependency("org.apache.kafka", "kafka_2.13", kafkaVersion)}
    ${dependency("org.apache.kafka", "kafka-tools", kafkaVersion)}
    ${dependency("org.slf4j", "slf4j-simple", loggerVersion)}
  </dependencies>
</project>
`;
