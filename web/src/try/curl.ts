/** The command that sends a text as a program would; quotes are made safe for a shell. */
export function curlCommand(ingestUrl: string, body: string, counted: boolean): string {
  const url = `${ingestUrl}/ingest${counted ? "?wait=counted" : ""}`;
  const quoted = body.trim().replaceAll("'", String.raw`'\''`);
  return `curl '${url}' -H 'content-type: application/json' -d '\n${quoted}'`;
}
