import { ClickHouseError } from "@clickhouse/client";
import { WeirError } from "../../lib/errors.ts";

/** Whom the trouble is with. */
export interface Whom {
  /** Without secrets. */
  readonly address: string;
  readonly user: string;
  readonly database: string;
}

/** Why a server can't be used, for people, and whether that may pass by itself. */
export interface Trouble {
  readonly message: string;
  readonly passes: boolean;
}

/** What the trouble with a server at the start is, and what to do. It never holds a password: it is made of codes. */
export function troubleOf(error: unknown, whom: Whom): Trouble {
  const cause = error instanceof WeirError ? (error.cause ?? error) : error;
  if (cause instanceof ClickHouseError) return ofServer(cause, whom);
  const old = inOldWords(cause);
  if (old !== undefined) return ofServer(old, whom);
  const code = codeOf(cause);
  return ofCertificate(code, whom) ?? ofNetwork(code, cause, whom);
}

/** How servers of before 2020 say what is wrong; the client takes it for an answer of somebody else. */
function inOldWords(cause: unknown): Pick<ClickHouseError, "code" | "message"> | undefined {
  const [, code, message] = /^Code: (\d+), e\.displayText\(\) = DB::Exception: (.*)/.exec(messageOf(cause)) ?? [];
  return code === undefined || message === undefined ? undefined : { code, message };
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : "");

function ofServer(
  { code, message }: Pick<ClickHouseError, "code" | "message">,
  { address, user, database }: Whom,
): Trouble {
  const at = `ClickHouse at ${address}`;
  if (["192", "193", "194", "516"].includes(code))
    return stops(
      `${at} refuses the user ${user}: there is no such user, or the password is wrong. Set --clickhouse-user and WEIR_CLICKHOUSE_PASSWORD`,
    );
  if (["497", "164"].includes(code))
    return stops(
      `${at} does not let the user ${user} do what Weir needs in the database ${database}: ${needed(message)}. docs/operating.md has the statements that make the database, the user and its grants`,
    );
  if (["115", "452"].includes(code))
    return stops(`${at} does not let the user ${user} set what Weir relies on: ${firstLine(message)}`);
  return { passes: true, message: `${at} can't answer now (code ${code}: ${firstLine(message)})` };
}

/** The server names the grant that is lacking; what else it says may quote a statement. */
const needed = (message: string): string =>
  /necessary to have the grant ([^.]+)/.exec(message)?.[1] ?? firstLine(message);

const firstLine = (message: string): string => message.split("\n", 1)[0]!.slice(0, 300);

const untrusted: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not known here",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not known here",
};
const wrong: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is of another name than that of the address",
};

function ofCertificate(code: string, { address }: Whom): Trouble | undefined {
  const head = `the certificate of ${address} is not to be trusted:`;
  if (untrusted[code] !== undefined)
    return stops(`${head} ${untrusted[code]}. Name the authority's certificate (PEM) by --clickhouse-ca`);
  if (wrong[code] !== undefined) return stops(`${head} ${wrong[code]}. Mend the certificate or the address`);
  if (/^ERR_SSL_|^EPROTO$/.test(code))
    return stops(
      `${address} does not speak TLS as it should (${code}): is it the port for http? ClickHouse's own are 8123 for http and 8443 for https`,
    );
  return undefined;
}

const network: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name can't be looked up now",
  ECONNRESET: "the connection was cut",
  EHOSTUNREACH: "there is no way there",
  ENETUNREACH: "there is no way there",
  ETIMEDOUT: "there is no answer",
};

/** A server may come up later than we do, and its name as well. */
function ofNetwork(code: string, cause: unknown, { address }: Whom): Trouble {
  const said = cause instanceof Error && cause.message !== "" ? firstLine(cause.message) : code;
  if (code === "" && !/time-?out|hang up/i.test(said))
    return {
      passes: true,
      message: `what answers at ${address} is not ClickHouse, or not yet: ${said}. Look at --clickhouse-url`,
    };
  return { passes: true, message: `ClickHouse at ${address} can't be reached: ${network[code] ?? said}` };
}

function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

const stops = (message: string): Trouble => ({ passes: false, message });

/** The oldest version with all that Weir's statements use: materialized common table expressions came with it. */
const oldest = [26, 3] as const;

/** @throws WeirError `store_unfit` when the version is too old. */
export function mustBeRecent(version: string, { address }: Whom): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new WeirError(
    "store_unfit",
    `ClickHouse at ${address} is ${version}, and Weir needs ${oldest.join(".")} or newer: update the server, or leave --clickhouse-url out to use the embedded engine`,
  );
}

/**
 * @throws WeirError `store_unfit` unless the cluster has as many shards as there are addresses: what is on another would not be
 * read, or would be read twice.
 */
export function mustHaveShards(shards: number, wanted: number, cluster: string, { address }: Whom): void {
  if (shards === wanted) return;
  const what = shards === 0 ? "knows no cluster of that name" : `has ${shards} shard${shards === 1 ? "" : "s"} in it`;
  const many = wanted === 1 ? "one address" : `${wanted} addresses`;
  throw new WeirError(
    "store_unfit",
    `the cluster ${cluster}: ClickHouse at ${address} ${what}, and --clickhouse-url has ${many}. Name one address for each of its shards, in their order`,
  );
}
