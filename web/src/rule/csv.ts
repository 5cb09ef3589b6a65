import type { Http } from "../../../client/src/http.ts";
import { WeirError } from "../../../client/src/weir.ts";

/** The most rows that a server makes a table of at once. */
const rowsMax = 1_000_000;
/** The server looks for where a table ends, and makes it as a whole, before its first byte comes; it gives itself a minute for each. */
const firstByteMs = 130_000;

/** One of the files that hold a rule's windows, newest first. */
export interface CsvPart {
  readonly name: string;
  /** 1 is the newest. */
  readonly nth: number;
  /** Where the older rows go on; undefined when there are none. */
  readonly cursor: string | undefined;
}

/**
 * Asks for the newest windows of a rule, or for those behind another part. That there is more stands in the answer's head
 * alone, and why it is refused in its body, so that it is read here: a link would save what comes, and say neither. A question
 * by HEAD would say no reason, and let the server look through all rows twice.
 * @throws WeirError as the server refuses it, or `no_answer`.
 */
export async function csvPart(
  http: Pick<Http, "open">,
  ruleId: string,
  before?: CsvPart,
): Promise<CsvPart & { readonly file: Blob }> {
  const nth = (before?.nth ?? 0) + 1;
  const answer = await http.open({
    path: "/stats",
    query: { rule_id: ruleId, start_time: 0, format: "csv", limit: rowsMax, cursor: before?.cursor },
    timeoutMs: firstByteMs,
  });
  const file = await bodyOf(answer);
  const name = nth === 1 ? `${ruleId}.csv` : `${ruleId}-${nth}.csv`;
  return { name, file, nth, cursor: answer.headers.get("x-next-cursor") ?? undefined };
}

async function bodyOf(answer: Response): Promise<Blob> {
  try {
    return await answer.blob();
  } catch (cause) {
    throw new WeirError("no_answer", "the file broke off while it came", { cause });
  }
}

/** What has to be said of a file that is saved; undefined when all rows are in it. */
export function partText({ name, nth, cursor }: CsvPart): string | undefined {
  const rows = rowsMax.toLocaleString("en-US");
  if (cursor !== undefined)
    return `${name} has ${nth === 1 ? `the newest ${rows} rows` : `the next older ${rows} rows`}. There are older ones.`;
  return nth === 1 ? undefined : `${name} has the oldest rows: all are saved.`;
}
