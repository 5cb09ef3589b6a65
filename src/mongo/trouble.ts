import { MongoError, MongoServerError, MongoServerSelectionError } from "mongodb";
import { DeadlineError } from "../lib/deadline.ts";
import { messageOf, WeirError } from "../lib/errors.ts";

/** Why MongoDB can't be used, for people, and whether that may pass by itself. */
interface Trouble {
  readonly reason: string;
  readonly passes: boolean;
}

/**
 * What a failure says to people: the address, what is wrong there and what to do. Never made of what the address hides.
 * @param what is not to be had, e.g. `the rules`.
 * @param place the address without secrets.
 * @returns `invalid_config` when somebody has to change something; else `registry_unavailable`, to be tried again.
 */
export function mongoTrouble(what: string, place: string, error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const { reason, passes } = troubleOf(error);
  const message = `${what} in MongoDB at ${place} can't be used: ${reason}`;
  if (!passes) return new WeirError("invalid_config", message, { cause: error });
  return new WeirError("registry_unavailable", message, { canRetry: true, cause: error });
}

/** The reason alone, for those who say themselves what can't be done. */
export const mongoReason = (error: unknown): string => troubleOf(error).reason;

/** What a call has failed of, where it is the line: whatever else is asked then fails, too. Undefined: the server has answered. */
export function lineFailure(error: unknown): unknown {
  const cause = error instanceof WeirError ? error.cause : error;
  // Of an insertion of many, a line that breaks comes as a server's error, but for the code that those have.
  const isAnswer = cause instanceof MongoServerError && cause.code !== undefined;
  return cause instanceof DeadlineError || (cause instanceof MongoError && !isAnswer) ? cause : undefined;
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof MongoServerError) return ofServer(error);
  if (error instanceof MongoServerSelectionError) return ofSelection(error);
  return ofConnection(error) ?? waits(messageOf(error));
}

/** Not authenticated, not allowed, authentication failed; the last as a service of MongoDB's says it. */
const refusals: ReadonlySet<unknown> = new Set([13, 18, 8000]);
const invalidName = 73;

function ofServer(error: MongoServerError): Trouble {
  const said = firstLine(error.message);
  if (refusals.has(error.code))
    return stops(
      `it does not let us in (${said}); check user, password and authSource, and that the user may read and write the database`,
    );
  if (error.code === invalidName) return stops(`it does not take the name of the database (${said}); change it`);
  return waits(said);
}

/** No server was found that could be asked: its own failure says why, if one is known. */
function ofSelection(error: MongoServerSelectionError): Trouble {
  const known = ofConnection(error.cause) ?? ofConnection(error);
  if (known !== undefined) return known;
  const { setName, type, servers } = error.reason ?? {};
  if (type === "ReplicaSetNoPrimary" && servers?.size === 0)
    return stops(
      `what answers there is no member of the set of replicas ${setName}; leave replicaSet out of the address, or name the set's members`,
    );
  if (type === "ReplicaSetNoPrimary") return waits("the set of replicas has no primary now");
  if (error.cause === undefined) return waits("it does not answer; is that the port of MongoDB?");
  return waits(firstLine(messageOf(error.cause)));
}

const byCode: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: waits("nobody listens there; start MongoDB, or mend --mongo-url"),
  ENOTFOUND: waits("the name is not known; mend --mongo-url, or the name service"),
  EAI_AGAIN: waits("the name can't be looked up now"),
  EHOSTUNREACH: waits("there is no way to that address; mend --mongo-url, or the network"),
  ENETUNREACH: waits("there is no way to that address; mend --mongo-url, or the network"),
  ETIMEDOUT: waits("it does not answer"),
  ERR_TLS_CERT_ALTNAME_INVALID: stops("its certificate is of another name than that in the address; mend one of them"),
  CERT_HAS_EXPIRED: stops("its certificate has expired; give it a new one"),
  CERT_NOT_YET_VALID: stops("its certificate is not valid yet; set the clocks, or give it another one"),
};

/** What the system, or TLS, says of the connection. */
function ofConnection(error: unknown): Trouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? String(error.code) : "";
  const known = byCode[code];
  if (known !== undefined) return known;
  if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)_\w+)$/.test(code))
    return stops("its certificate is not trusted; name the authority's (PEM) by tlsCAFile in the address");
  if (code === "ENOENT" || code === "EACCES")
    return stops(`a file that the address names can't be read: ${firstLine(error.message)}`);
  if (/before secure TLS connection|wrong version number/i.test(error.message))
    return waits("it ended the connection before TLS was agreed on; if it stays so, take tls out of the address");
  const deeper = ofConnection(error.cause);
  if (deeper !== undefined) return deeper;
  if (/connection .* closed/.test(error.message))
    return waits("it ended the connection; is that the port of MongoDB, and does the address say tls=true if it must?");
  return undefined;
}

function stops(reason: string): Trouble {
  return { reason, passes: false };
}

function waits(reason: string): Trouble {
  return { reason, passes: true };
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!.slice(0, 300);
