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
  const said = byApiId[apiId] ?? byCode[code];
  if (said !== undefined) return said;
  if (code === "PLT_KFK_AUTHENTICATION") return hopeless(`it refuses the log-in (${message}); ${checkLogin}`);
  if (/TLS handshake failed|wrong version number/i.test(message)) return hopeless(noTls);
  if (/certificate/i.test(message)) return hopeless(`its certificate is not trusted (${message}); ${trust}`);
  if (apiId !== "") return { reason: `it answers ${apiId}: ${serverErrorMessage ?? message}`, hopeless: false };
  return undefined;
}

const waits = (reason: string): Fault => ({ reason, hopeless: false });
const hopeless = (reason: string): Fault => ({ reason, hopeless: true });

const checkLogin = "check --kafka-user, the password and --kafka-sasl";
const trust = "name the authority that signed it in NODE_EXTRA_CA_CERTS";
const noTls = "it does not speak TLS there; leave --kafka-tls out or name its TLS port";

const byCode: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: waits("nothing listens there; start the broker, or mend --kafka-brokers"),
  ENOTFOUND: waits("the name is not known; mend --kafka-brokers, or the name service"),
  EAI_AGAIN: waits("the name can't be looked up now"),
  EHOSTUNREACH: waits("there is no way to that address; mend --kafka-brokers, or the network"),
  ENETUNREACH: waits("there is no way to that address; mend --kafka-brokers, or the network"),
  ETIMEDOUT: waits("it does not answer"),
  PLT_KFK_TIMEOUT: waits("it does not answer"),
  ECONNRESET: waits("it ended the connection; is that the port of a broker, and is TLS (--kafka-tls) as it wants it?"),
};

const byApiId: Readonly<Record<string, Fault>> = {
  NOT_ENOUGH_REPLICAS: waits("too few of its replicas are in sync; start the brokers that are missing"),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: waits("too few of its replicas are in sync; start the brokers that are missing"),
  LEADER_NOT_AVAILABLE: waits("a partition has no leader now"),
  COORDINATOR_NOT_AVAILABLE: waits("it has no coordinator for the group yet"),
  COORDINATOR_LOAD_IN_PROGRESS: waits("the coordinator of the group is being loaded"),
  SASL_AUTHENTICATION_FAILED: hopeless(`it refuses the log-in; ${checkLogin}`),
  UNSUPPORTED_SASL_MECHANISM: hopeless(`it does not take this way to log in; ${checkLogin}`),
  TOPIC_AUTHORIZATION_FAILED: hopeless("the user may not use the topic; give it read, write, describe and create"),
  GROUP_AUTHORIZATION_FAILED: hopeless("the user may not use the consumer group; give it read on it"),
  CLUSTER_AUTHORIZATION_FAILED: hopeless("the user may not do this; give it create and idempotent write"),
  TOPIC_EXCEPTION: hopeless("it does not take the topic's name; change --kafka-topic"),
  POLICY_VIOLATION: hopeless("a policy of the cluster forbids it; make the topic by hand"),
};
