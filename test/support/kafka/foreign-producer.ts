import { spawn } from "node:child_process";
import { once } from "node:events";
import { kafka } from "./kafka-jars.ts";

export type Codec = "none" | "gzip" | "snappy" | "lz4" | "zstd";

export interface ForeignRecord {
  readonly key?: string;
  readonly value: string;
}

/** A broker on a busy machine answers later than the second and a half that the tool waits by itself. */
const patience = ["--request-timeout-ms", "60000"];

/**
 * Sends records as somebody else's program does that knows nothing of Weir: by Kafka's own client for Java (its console
 * producer). Resolves when the brokers have all of them. Keys and values are single lines.
 */
export async function produceForeign(
  broker: string,
  topic: string,
  records: readonly ForeignRecord[],
  codec: Codec = "none",
): Promise<void> {
  const separator = "\t";
  const properties = ["parse.key=true", `key.separator=${separator}`, "null.marker=NULL"];
  const args = ["--bootstrap-server", broker, "--topic", topic, "--compression-codec", codec];
  const tool = [
    "org.apache.kafka.tools.ConsoleProducer",
    ...args,
    ...patience,
    ...properties.flatMap((each) => ["--reader-property", each]),
  ];
  const quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";
  const child = spawn("java", [quiet, ...(await kafka()).java, ...tool], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end(records.map(({ key = "NULL", value }) => `${key}${separator}${value}\n`).join(""));
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0 || said.includes("ERROR")) throw new Error(`the producer ended with ${code}: ${said.slice(-2000)}`);
}
