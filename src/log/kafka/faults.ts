/** What a failure of the client means, for people. */
export interface Fault {
  /** What is wrong and what to do. */
  readonly reason: string;
  /** Waiting can't help: somebody has to change something. */
  readonly hopeless: boolean;
}

/** An error whose message is for people as it is, whatever caused it. */
export class Said extends Error {}

/** One cause, out of the client's nested errors. */
export interface Leaf {
  readonly message: string;
  /** The broker's name for it. */
  readonly apiId?: string;
  /** The system's name for it, e.g. ECONNREFUSED; or the client's. */
  readonly code?: string;
  readonly serverErrorMessage?: string | null;
}

/** The innermost causes of an error, in the order in which they happened. */
export function leavesOf(error: unknown): readonly Leaf[] {
  if (error instanceof Said) return [{ message: error.message }];
  if (typeof error !== "object" || error === null) return [{ message: String(error) }];
  const { errors, cause } = error as { errors?: unknown; cause?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.flatMap(leavesOf);
  if (cause !== undefined && cause !== null) return leavesOf(cause);
  return [error as Leaf];
}

/** The last cause says the most: what came before was tried again. */
export function whatIsWrong(error: unknown): Fault {
  const leaves = leavesOf(error);
  const known = leaves.findLast((leaf) => reasonOf(leaf) !== undefined);
  const last = leaves.at(-1)!;
  return (known && reasonOf(known)) ?? { reason: last.message || (last.code ?? "it failed"), hopeless: false };
}

function reasonOf({ apiId = "", code = "", message, serverErrorMessage }: Leaf): Fault | undefined {
  const said = byApiId[apiId] ?? byMessage.find(([pattern]) => pattern.test(message))?.[1] ?? byCode[code];
  if (said !== undefined) return said;
  if (code === "PLT_KFK_AUTHENTICATION") return hopeless(`it refuses the log-in (${message}); ${checkLogin}`);
  if (untrusted.test(code)) return hopeless(`its certificate is not trusted (${message}); ${trust}`);
  if (/^ERR_SSL_|^EPROTO$/.test(code)) return hopeless(`${noTls} (${code})`);
  if (apiId !== "") return { reason: `it answers ${apiId}: ${serverErrorMessage ?? message}`, hopeless: false };
  return undefined;
}

const waits = (reason: string): Fault => ({ reason, hopeless: false });
const hopeless = (reason: string): Fault => ({ reason, hopeless: true });

const checkLogin = "check --kafka-user, WEIR_KAFKA_PASSWORD and --kafka-sasl";
const trust = "name a file with the authority's certificate (PEM) by --kafka-ca";
const noTls = "it does not speak TLS there; leave --kafka-tls out or name its TLS port";
const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)_\w+)$/;
const tooLarge =
  "it does not take records of up to 1,000,000 bytes; set max.message.bytes of the topic to 1048588, its usual value, or more";
/** Two who put each other out of the group, over and over. */
export const namesake =
  "another process is a member under this one's name, as its data folder is a copy of the other's; stop one of them, and give it a data folder of its own: an empty one, or the copy without its weir.id";
const wants = "does it want a log-in (--kafka-sasl), or TLS (--kafka-tls)?";

/** Before what the system says: whoever waits for a broker behind a gateway meets a cut connection too. */
const byMessage: readonly (readonly [RegExp, Fault])[] = [
  [/requires TLS/, hopeless("it speaks TLS there; say --kafka-tls on, or name its port without TLS")],
  [/before secure TLS connection/, waits(`it ended the connection before TLS was agreed on; if it stays so, ${noTls}`)],
  [/wrong version number/i, hopeless(noTls)],
  [/^Connection closed/, waits(`it ended the connection; is that the port of a broker? If it is, ${wants}`)],
];

const byCode: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: waits("nothing listens there; start the broker, or mend --kafka-brokers"),
  ENOTFOUND: waits("the name is not known; mend --kafka-brokers, or the name service"),
  EAI_AGAIN: waits("the name can't be looked up now"),
  EHOSTUNREACH: waits("there is no way to that address; mend --kafka-brokers, or the network"),
  ENETUNREACH: waits("there is no way to that address; mend --kafka-brokers, or the network"),
  ETIMEDOUT: waits("it does not answer"),
  PLT_KFK_TIMEOUT: waits("it does not answer"),
  ECONNRESET: waits(`it cut the connection; is that the port of a broker? If it is, ${wants}`),
  ERR_TLS_CERT_ALTNAME_INVALID: hopeless(
    "its certificate is of another name than that in --kafka-brokers; name the broker as the certificate does",
  ),
  CERT_HAS_EXPIRED: hopeless("its certificate has expired; give it a new one"),
  CERT_NOT_YET_VALID: hopeless("its certificate is not valid yet; set the clocks, or give it another one"),
};

const byApiId: Readonly<Record<string, Fault>> = {
  NOT_ENOUGH_REPLICAS: waits("too few of its replicas are in sync; start the brokers that are missing"),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: waits("too few of its replicas are in sync; start the brokers that are missing"),
  MESSAGE_TOO_LARGE: waits(tooLarge),
  RECORD_LIST_TOO_LARGE: waits(tooLarge),
  LEADER_NOT_AVAILABLE: waits("a partition has no leader now"),
  COORDINATOR_NOT_AVAILABLE: waits("it has no coordinator for the group yet"),
  COORDINATOR_LOAD_IN_PROGRESS: waits("the coordinator of the group is being loaded"),
  SASL_AUTHENTICATION_FAILED: hopeless(`it refuses the log-in; ${checkLogin}`),
  UNSUPPORTED_SASL_MECHANISM: hopeless(`it does not take this way to log in; choose another --kafka-sasl`),
  TOPIC_AUTHORIZATION_FAILED: hopeless("the user may not use the topic; give it read, write, describe and create"),
  GROUP_AUTHORIZATION_FAILED: hopeless("the user may not use the consumer group; give it read on it"),
  INVALID_SESSION_TIMEOUT: hopeless(
    "it does not take --kafka-session; choose one within the brokers' group.min.session.timeout.ms (usually 6s) and group.max.session.timeout.ms (usually 30m)",
  ),
  INCONSISTENT_GROUP_PROTOCOL: hopeless(
    "the group has members that are no Weir, and divide partitions in another way; choose another --kafka-group, or stop them",
  ),
  FENCED_INSTANCE_ID: hopeless(namesake),
  CLUSTER_AUTHORIZATION_FAILED: hopeless("the user may not do this; give it create and idempotent write"),
  INVALID_TOPIC_EXCEPTION: hopeless("it does not take the topic's name; change --kafka-topic"),
  POLICY_VIOLATION: hopeless("a policy of the cluster forbids it; make the topic by hand"),
};
