import { Worker } from "node:worker_threads";
import { compiledBefore } from "../../lib/compiled-before.ts";
import { messageOf } from "../../lib/errors.ts";

/** Who listens to a thread. */
export interface Ears<From> {
  readonly heard: (message: From) => void;
  /** Called once when the thread ends unasked, with the reason for people. */
  readonly died: (reason: string) => void;
}

/** The other end of a thread that takes `To`. */
export interface Thread<To> {
  post(message: To, transfer?: ArrayBuffer[]): void;
  /** Asks the thread to end by `message` and waits until it has. */
  end(message: To): Promise<void>;
  /** Ends the thread, whatever it is doing. */
  terminate(): Promise<void>;
}

/** A worker thread that takes `To` and answers `From`. */
export class Link<To, From> implements Thread<To> {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #isEnding = false;

  constructor(parts: Ears<From> & { readonly script: URL; readonly workerData: object }) {
    this.#worker = new Worker(parts.script, {
      workerData: parts.workerData,
      env: { ...compiledBefore() },
      name: parts.script.pathname.split("/").at(-1) ?? "log",
    });
    let reason: string | undefined;
    this.#worker.on("message", parts.heard);
    this.#worker.on("error", (error) => (reason = messageOf(error)));
    this.#exited = new Promise((resolve) =>
      this.#worker.once("exit", (code) => {
        if (!this.#isEnding) parts.died(reason ?? `it ended with code ${code}`);
        resolve();
      }),
    );
  }

  post(message: To, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  async end(message: To): Promise<void> {
    this.#isEnding = true;
    this.post(message);
    await this.#exited;
  }

  async terminate(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }
}
