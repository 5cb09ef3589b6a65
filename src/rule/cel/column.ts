/** The column of a place in a text, counted in characters from 1. `at` counts UTF-16 units from 0. */
export const columnAt = (text: string, at: number): number => Array.from(text.slice(0, at)).length + 1;
