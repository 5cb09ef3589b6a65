import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Programs {
  /** The arguments of Java before the name of one of Kafka's classes. */
  readonly java: readonly string[];
  /** The folder of the class path, which is kept for the next run. */
  readonly jars: string;
}

/** Formats a broker's folder, which its properties name, by Kafka's own tool; `more`: arguments of it. */
export async function format(java: readonly string[], properties: string, more: readonly string[] = []): Promise<void> {
  const tool = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", properties];
  await promisify(execFile)("java", [...java, ...tool, ...more]);
}

/**
 * A formatted folder for the broker of this id. What the tool writes depends on the id alone, and takes half a second of a
 * processor: the first call on a machine keeps it beside the jars, the others copy it.
 */
export async function formattedAs(id: number, folder: string, { java, jars }: Programs): Promise<void> {
  const kept = join(jars, `formatted-${id}`);
  if (!existsSync(kept)) await keep(id, kept, { java, jars });
  await cp(kept, folder, { recursive: true });
}

/** Two that make it at once don't disturb each other: the first to be whole gets the name. */
async function keep(id: number, kept: string, { java, jars }: Programs): Promise<void> {
  const own = await mkdtemp(join(jars, "formatting-"));
  try {
    const [properties, folder] = [join(own, "broker.properties"), join(own, "data")];
    // Nobody listens there: the tool only reads of them.
    await writeFile(properties, propertiesOf(id, folder, [1, 2]));
    await format(java, properties);
    await rename(folder, kept).catch((error: unknown) => {
      if (!existsSync(kept)) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Of a broker by itself. */
export const propertiesOf = (id: number, folder: string, [port, voter]: readonly number[]): string =>
  [
    "process.roles=broker,controller",
    `node.id=${id}`,
    `controller.quorum.voters=${id}@127.0.0.1:${voter}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${voter}`,
    "controller.listener.names=CONTROLLER",
    `log.dirs=${folder}`,
  ].join("\n");
