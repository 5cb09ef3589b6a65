import { ErrorBody } from "../protocol/errors.ts";
import { HealthAnswer, MetricsText, ReadyAnswer } from "../protocol/health.ts";
import type { Routes } from "./server.ts";

export interface HealthParts {
  /** Asks every dependency; a rejection counts as not ready. */
  readonly ready: () => Promise<ReadyAnswer>;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
}

/** `GET /health`, `GET /ready`, `GET /metrics`. */
export function healthRoutes(parts: HealthParts): Routes {
  return (server) => {
    const tags = ["operation"];
    server.get(
      "/health",
      { schema: { tags, summary: "Does the process live?", response: { 200: HealthAnswer } } },
      () => ({ status: "ok" }),
    );
    server.get(
      "/ready",
      { schema: { tags, summary: "Can it do its work?", response: { 200: ReadyAnswer, 503: notReady } } },
      async (_request, reply) => {
        const answer = await parts.ready();
        return reply.code(answer.ok ? 200 : 503).send(answer);
      },
    );
    server.get(
      "/metrics",
      { schema: { tags, summary: "Prometheus metrics", response: { 200: metricsText } } },
      async (_request, reply) =>
        reply
          .type("text/plain; version=0.0.4; charset=utf-8")
          .serializer(String)
          .send(await parts.metrics()),
    );
  };
}

const metricsText = { description: "the metrics", content: { "text/plain": { schema: MetricsText } } };
/** The second while it stops. */
const notReady = { description: "it can't, or is stopping", anyOf: [ReadyAnswer, ErrorBody] };
