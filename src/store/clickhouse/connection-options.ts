import type { WeirError } from "../../lib/errors.ts";
import type { StoreFacts } from "./facts.ts";
import type { Expected } from "./unanswered.ts";

export interface ConnectionOptions {
  /** Asked before every request: an embedded engine may come back at another address. */
  readonly url: () => string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** The database in which all partitions are read, where this one has only those of one of several servers (shards.ts). */
  readonly whole?: string;
  /** How long one request may take. */
  readonly requestTimeoutMs: number;
  /** Unique names for requests, which can be names of files as well. */
  readonly newId: () => string;
  readonly facts: StoreFacts;
  /** Whom to trust, in PEM, where the system does not know the server's certificate. */
  readonly ca?: Buffer;
  /** Given when the engine does not notice that its disk is full: asked before and after every write. */
  readonly hasRoom?: () => boolean;
  /** Given when it is known whether the engine answers at all: nobody waits to read from one that does not. */
  readonly life?: EngineLife;
  /** Told of each statement that has failed, as what it fails with. */
  readonly failed?: (error: WeirError) => void;
}

export interface EngineLife {
  answering(): boolean;
  onSilence(listener: () => void): void;
  /** Given where answers can get lost on the way: told of each request, by the engine's name for it, and how much it carries. */
  expect?(id: string, bytes: number): Expected;
}
