declare const srcBrand: unique symbol;
declare const offsetBrand: unique symbol;

/** A partition of the log: 0 … 65,535. The embedded log has one, 0. */
export type Src = number & { readonly [srcBrand]: never };
/** The place of one event in its partition: ordered, unique, not necessarily dense, below 2^53. Names its event forever. */
export type Offset = number & { readonly [offsetBrand]: never };

/** A stretch of one partition, both ends included. */
export interface OffsetRange {
  readonly src: Src;
  readonly from: Offset;
  readonly to: Offset;
}

export const src = (value: number): Src => value as Src;
export const offset = (value: number): Offset => value as Offset;
/** The offset right behind `at`. */
export const after = (at: Offset): Offset => (at + 1) as Offset;
/** The offset right before `at`. */
export const before = (at: Offset): Offset => (at - 1) as Offset;

export const overlap = (a: OffsetRange, b: OffsetRange): boolean => a.src === b.src && a.from <= b.to && b.from <= a.to;

/** The key of a range wherever one is written down: `src:from-to`. */
export const rangeKey = (range: OffsetRange): string => `${range.src}:${range.from}-${range.to}`;
