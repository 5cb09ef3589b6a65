import { type ClickHouseClient, type DataFormat, ResultSet } from "@clickhouse/client";
import type { Statement } from "../../rollup/statement.ts";
import type { Asked } from "./calls.ts";
import { sentAs } from "./sent.ts";

/** What the client's own `query` does, which has no way to send what `sentAs` makes of long parameters. */
export async function ask<Format extends DataFormat>(
  client: ClickHouseClient,
  { sql, parameters }: Statement,
  format: Format,
  asked: Partial<Asked>,
): Promise<ResultSet<Format>> {
  const { stream, query_id, response_headers } = await client.exec({
    ...sentAs({ sql: `${sql}\nFORMAT ${format}`, parameters }),
    ...asked,
  });
  return new ResultSet(stream, format, query_id, () => {}, response_headers);
}
