/**
 * A text as it stands in a bound parameter, and within the quotes of an array (ClickHouse's "Escaped" format, that of TSV). The
 * official client does the same where it sends parameters by itself.
 */
export const escapeValue = (text: string): string => text.replace(/[\\'\t\n\r\0]/g, (char) => escapes[char] ?? char);

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\0": "\\0",
};
