import { isIP, type Server } from "node:net";
import { WeirError } from "../lib/errors.ts";

/** By which names a server may be asked. */
export interface HostNames {
  /** The address or name that it was told to listen on. */
  readonly listensOn: string;
  /** Besides addresses and `localhost`; `*`: any. When there are none: on a loopback address no others, elsewhere any. */
  readonly names: readonly string[];
}

/** Checks what a server is asked by; once it listens, by the address that the name stands for. */
export function hostCheck(server: Server, names: HostNames): (host: string | undefined) => WeirError | undefined {
  let known = names;
  server.on("listening", () => {
    const bound = server.address();
    if (typeof bound === "object" && bound !== null) known = { ...names, listensOn: bound.address };
  });
  return (host) => hostRefusal(host, known);
}

/**
 * Why a request is refused that asks for this `Host`; undefined: it is not. A web page of a foreign name can have that name
 * point to a loopback address, and then reads and writes as if it were the server's own page: its origin is right, the name is
 * what gives it away. Nobody but old programs leaves `Host` out, and no browser.
 */
export function hostRefusal(host: string | undefined, { listensOn, names }: HostNames): WeirError | undefined {
  if (host === undefined || names.includes("*")) return undefined;
  if (names.length === 0 && !isLoopback(listensOn)) return undefined;
  const name = nameOf(host);
  if (isIP(name) !== 0 || isLocalhost(name) || names.includes(name)) return undefined;
  return new WeirError(
    "host_refused",
    `this server is not asked by the name ${JSON.stringify(name.slice(0, 256))}; ask it by address or as localhost, or name it in --host-names`,
  );
}

/** Of `name`, `name:port`, `name.` and `[::1]:port`. */
function nameOf(host: string): string {
  const [, address, name = host] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (address ?? name).toLowerCase().replace(/\.$/, "");
}

const isLocalhost = (name: string): boolean => name === "localhost" || name.endsWith(".localhost");

function isLoopback(listensOn: string): boolean {
  const address = listensOn.toLowerCase();
  return isLocalhost(address) || address === "::1" || /^(?:::ffff:)?127\./.test(address);
}
