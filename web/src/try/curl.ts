/** A longer text is not read on a command line, nor does every shell take it. */
const shownMax = 20_000;

/** Whether the command reads the events from a file, as they are too many to stand in it. */
export const isOfFile = (body: string): boolean => body.length > shownMax;

/** The command that sends a text as a program would; quotes are made safe for a shell. */
export function curlCommand(ingestUrl: string, body: string, counted: boolean): string {
  const url = `${ingestUrl}/ingest${counted ? "?wait=counted" : ""}`;
  const quoted = body.trim().replaceAll("'", String.raw`'\''`);
  const data = isOfFile(body) ? "--data-binary @events.json" : `-d '\n${quoted}'`;
  return `curl '${url}' -H 'content-type: application/json' ${data}`;
}
