import { lookup } from "node:dns/promises";
import { WeirError } from "../lib/errors.ts";
import type { Server } from "./server.ts";

export interface Place {
  readonly host: string;
  /** 0 asks the system for one. */
  readonly port: number;
  /** The options that the two come from, for messages. */
  readonly hostOption: string;
  readonly portOption: string;
}

/**
 * Makes a server listen; answers its address, e.g. `http://127.0.0.1:8000`.
 * @throws WeirError `port_taken`; `invalid_config` when there is no such address here, or the process may not have the port.
 */
export async function listen(server: Pick<Server, "listen">, place: Place): Promise<string> {
  try {
    return await server.listen({ host: await addressOf(place.host), port: place.port });
  } catch (error) {
    throw usersOwn(error, place) ?? error;
  }
}

/** Of `localhost` its first address: for each further one the framework makes a server of its own, which has no bounds. */
const addressOf = async (host: string): Promise<string> => (host === "localhost" ? (await lookup(host)).address : host);

/** What the user can change, said so that it can be; undefined when it is something else. */
function usersOwn(cause: unknown, { host, port, hostOption, portOption }: Place): WeirError | undefined {
  switch (cause instanceof Error && "code" in cause && cause.code) {
    case "EADDRINUSE":
      return new WeirError(
        "port_taken",
        `port ${port} on ${host} is in use by another program; stop it, or choose another with ${portOption}`,
        { cause },
      );
    case "EACCES":
      return new WeirError(
        "invalid_config",
        `this user may not listen on port ${port}; choose one above 1023 with ${portOption}`,
        { cause },
      );
    case "EADDRNOTAVAIL":
      return new WeirError(
        "invalid_config",
        `${host} is not an address of this machine; choose another with ${hostOption}`,
        { cause },
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new WeirError("invalid_config", `the name ${host} has no address; choose another with ${hostOption}`, {
        cause,
      });
    default:
      return undefined;
  }
}
