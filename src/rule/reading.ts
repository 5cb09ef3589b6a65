/** What came of reading a text: its value, or why it is wrong. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export const read = <T>(value: T): Reading<T> => ({ ok: true, value });
export const wrong = (message: string): { readonly ok: false; readonly message: string } => ({ ok: false, message });
