import type { Config } from "./options.ts";

/** Where a server with these options is reached: one that listens on every address, on this machine's own. */
export function addressOf({ host }: Pick<Config, "host">, port: number): string {
  const reached = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}
