/** What has been opened, in order, so that it can be closed in the opposite one, also when opening stopped half-way. */
export class Closers {
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = [];
  readonly #failed: (name: string, error: unknown) => void;

  /** `failed` hears of a closer that rejects; the others are closed all the same. */
  constructor(failed: (name: string, error: unknown) => void) {
    this.#failed = failed;
  }

  add(name: string, close: () => unknown): void {
    this.#closers.push({ name, close });
  }

  async closeAll(): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (error) {
        this.#failed(closer.name, error);
      }
    }
  }
}
