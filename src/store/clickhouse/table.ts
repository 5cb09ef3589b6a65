import type { Readable } from "node:stream";
import { renderTable, type TableFormat, type TableSelection } from "../../rollup/table.ts";
import type { BytesFormat, Connection } from "./connection.ts";
import { isTooLarge, tooLarge } from "./too-large.ts";

/** More than any page may have, by as many rows as can come while it is being read. */
const tableRowsMax = 2_000_000;

/** Too much is refused, not cut: the engine holds a result as a whole before it hands it out. */
const bounds = {
  max_result_rows: tableRowsMax,
  result_overflow_mode: "throw",
  max_execution_time: 60,
};

/** What readers everywhere understand goes before what is smallest; nothing is left to the engine's defaults. */
const forms: Readonly<Record<TableFormat, BytesFormat>> = {
  ndjson: {
    name: "JSONEachRow",
    settings: {
      output_format_json_array_of_rows: 0,
      output_format_json_escape_forward_slashes: 0,
      output_format_json_quote_decimals: 0,
      output_format_json_quote_denormals: 0,
      output_format_json_named_tuples_as_objects: 1,
    },
  },
  csv: {
    name: "CSVWithNames",
    // A null is nothing at all, an empty text is a pair of quotes.
    settings: { format_csv_delimiter: ",", format_csv_null_representation: "" },
  },
  parquet: {
    name: "Parquet",
    settings: {
      output_format_parquet_string_as_string: 1,
      output_format_parquet_compression_method: "snappy",
    },
  },
  arrow: {
    name: "Arrow",
    settings: { output_format_arrow_string_as_string: 1, output_format_arrow_compression_method: "none" },
  },
};

/** The bytes of one page of windows, in order. `bytesMax` is of the rows as the engine counts them before it writes them. */
export async function readTable(
  connection: Connection,
  query: TableSelection & { readonly format: TableFormat },
  bytesMax: number,
  signal: AbortSignal,
): Promise<Readable> {
  const form = forms[query.format];
  // One row more than may be handed out: where this many are, the engine refuses instead of leaving out the rest.
  const statement = renderTable({ ...query, limit: tableRowsMax + 1 }, query.format);
  try {
    return await connection.bytes(
      statement,
      { name: form.name, settings: { ...form.settings, ...bounds, max_result_bytes: bytesMax } },
      signal,
    );
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(bytesMax) : error;
  }
}
