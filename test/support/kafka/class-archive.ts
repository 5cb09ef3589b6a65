import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { keptPorts } from "../kept-ports.ts";
import { format, propertiesOf } from "./formatted.ts";

export interface Java {
  /** Options with which brokers run: an archive fits no others. */
  readonly options: readonly string[];
  /** The folder of the class path. */
  readonly jars: string;
  /** What Java says of itself: an archive fits no other. */
  readonly version: string;
}

const madeWithinMs = 120_000;

/**
 * The option by which Java takes Kafka's classes from an archive, as they are once they are loaded: a broker starts in two thirds
 * of the processor's time. The first call on a machine makes the archive, beside the jars. Two that make it at once don't disturb
 * each other: each writes a file of its own, which gets the name when it is whole. Java that can't make one does without.
 */
export async function archiveOptions(java: Java): Promise<readonly string[]> {
  const file = join(java.jars, `classes-${createHash("sha256").update(java.version).digest("hex").slice(0, 12)}.jsa`);
  if (!existsSync(file)) await make(java, file).catch(() => undefined);
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`] : [];
}

/** By a broker that is started and stopped. */
async function make({ options, jars }: Java, file: string): Promise<void> {
  const own = await mkdtemp(join(jars, "archiving-"));
  try {
    const [properties, archive] = [join(own, "broker.properties"), join(own, "classes.jsa")];
    await writeFile(properties, propertiesOf(1, join(own, "data"), await keptPorts(2)));
    const path = ["-cp", `${jars}/*`];
    await format([...options, ...path], properties);
    await startAndStop([...options, `-XX:ArchiveClassesAtExit=${archive}`, ...path, "kafka.Kafka", properties]);
    await rename(archive, file);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function startAndStop(args: readonly string[]): Promise<void> {
  const broker = spawn("java", args, { stdio: ["ignore", "ignore", "pipe"] });
  const timer = setTimeout(() => broker.kill("SIGKILL"), madeWithinMs);
  createInterface({ input: broker.stderr }).on("line", (line) => {
    if (line.includes("Kafka Server started")) broker.kill("SIGTERM");
  });
  await once(broker, "exit");
  clearTimeout(timer);
}
