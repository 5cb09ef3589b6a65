import { once } from "node:events";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Query } from "../query/query.ts";
import type { RawParameters } from "../query/parameters.ts";
import type { StatsTable } from "../query/stats-table.ts";
import type { Clock } from "../lib/clock.ts";
import { goneSignal, isFirst } from "../lib/unanswered.ts";
import { atLeastRate } from "./least-rate.ts";

/** The type and the ending of a file of each format. `header=present`: RFC 4180. */
export const tableFiles: Readonly<Record<StatsTable["format"], { readonly type: string; readonly ending: string }>> = {
  ndjson: { type: "application/x-ndjson; charset=utf-8", ending: "ndjson" },
  csv: { type: "text/csv; charset=utf-8; header=present", ending: "csv" },
  parquet: { type: "application/vnd.apache.parquet", ending: "parquet" },
  arrow: { type: "application/vnd.apache.arrow.file", ending: "arrow" },
};

/** Answers with a table as a file to save. What breaks on the way breaks the connection, so that it never looks whole. */
export async function answerTable(
  query: Pick<Query, "statsTable">,
  request: FastifyRequest,
  reply: FastifyReply,
  clock: Pick<Clock, "monotonic" | "every">,
): Promise<FastifyReply> {
  // However it ends: answered, failed, or left by a client who is gone.
  const table = await query.statsTable(request.query as RawParameters, goneSignal(reply.raw));
  const bytes = request.method === "HEAD" ? Readable.from([]) : await begun(await table.read());
  const { type, ending } = tableFiles[table.format];
  void reply.type(type).header("content-disposition", `attachment; filename="${table.ruleId}.${ending}"`);
  void reply.header("x-complete", String(table.complete));
  if (table.nextCursor !== undefined) void reply.header("x-next-cursor", table.nextCursor);
  // It has one of few places until it is sent, whoever takes it how slowly.
  const canTake = (): boolean => isFirst(request.raw.socket, reply.raw);
  return reply.send(atLeastRate(bytes, clock, { canTake, tooSlow: () => reply.raw.destroy() }));
}

/**
 * Until the first bytes, or the end of none: a failure before them is still answered as an error. An end that has come before
 * anybody listens is told as the end alone, and not as something to read.
 */
async function begun(bytes: Readable): Promise<Readable> {
  if (bytes.readableLength === 0 && !bytes.readableEnded)
    await Promise.race([once(bytes, "readable"), once(bytes, "end")]);
  return bytes;
}
