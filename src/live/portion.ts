import { WeirError } from "../lib/errors.ts";

/** The store ended a reading that took more than it may: of time, of memory, or of bytes to hand out. */
const overLimits: ReadonlySet<string> = new Set(["timeout", "too_costly", "invalid_query"]);
/** Rows that are too many bytes are fewer bytes when they are fewer. A page of fewer rows takes no less time. */
const ofBytes = "invalid_query";
/** It is tried with a tenth, then with a hundredth. */
const tenthsMax = 2;
/** After so many readings that went well more is asked for again. */
const wellMost = 20;

/** How much is read at a time: all that may be, or less after the store has ended readings that took too much. */
export class Portion {
  #windowTenths = 0;
  #rowTenths = 0;
  #well = 0;

  get isLess(): boolean {
    return this.#windowTenths > 0;
  }

  windows(most: number): number {
    return share(most, this.#windowTenths);
  }

  rows(most: number): number {
    return share(most, this.#rowTenths);
  }

  /** A reading has failed. @returns whether it was more than may be read, and less can't be asked for. */
  failed(error: unknown): boolean {
    if (!(error instanceof WeirError) || !overLimits.has(error.code)) return false;
    if (this.#windowTenths === tenthsMax) return true;
    this.#windowTenths += 1;
    if (error.code === ofBytes) this.#rowTenths += 1;
    this.#well = 0;
    return false;
  }

  /** A reading went well. Why less was asked for may be over. */
  worked(): void {
    this.#well += 1;
    if (this.isLess && this.#well >= wellMost) this.restore();
  }

  restore(): void {
    [this.#windowTenths, this.#rowTenths, this.#well] = [0, 0, 0];
  }
}

const share = (most: number, tenths: number): number => Math.max(1, Math.floor(most / 10 ** tenths));
