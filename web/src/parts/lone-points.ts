/** Indexes of the values that no line leads to or from. */
export const lonePoints = (values: readonly (number | null | undefined)[]): number[] =>
  values.flatMap((value, index) =>
    isMissing(value) || !isMissing(values[index - 1]) || !isMissing(values[index + 1]) ? [] : index,
  );

const isMissing = (value: number | null | undefined): boolean => value === null || value === undefined;
