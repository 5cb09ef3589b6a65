import { Worker } from "node:worker_threads";

/** A worker thread that takes `To` and answers `From`. */
export class Link<To, From> {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #isEnding = false;

  /** `died` is called once when the thread ends unasked, with the reason for people. */
  constructor(parts: {
    script: URL;
    workerData: object;
    heard: (message: From) => void;
    died: (reason: string) => void;
  }) {
    this.#worker = new Worker(parts.script, {
      workerData: parts.workerData,
      name: parts.script.pathname.split("/").at(-1) ?? "log",
    });
    let reason: string | undefined;
    this.#worker.on("message", parts.heard);
    this.#worker.on("error", (error) => (reason = error instanceof Error ? error.message : String(error)));
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

  /** Asks the thread to end by `message` and waits until it has. */
  async end(message: To): Promise<void> {
    this.#isEnding = true;
    this.post(message);
    await this.#exited;
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }
}
