import type { Eraser } from "../eraser/eraser.ts";
import {
  ErasureAnswer,
  ErasureParameters,
  ErasurePath,
  ErasuresAnswer,
  ErasuresParameters,
} from "../protocol/erasures.ts";
import { ErrorBody } from "../protocol/errors.ts";
import { NoParameters } from "../protocol/rules.ts";
import { leftToTheService } from "./left-to-the-service.ts";
import type { Routes } from "./server.ts";

interface OneErasure {
  Params: { erasure_id: string };
}
interface AllErasures {
  Querystring: ErasuresParameters;
}

/** `DELETE /events`, `GET /erasures`, `GET /erasures/{erasure_id}`. */
export function erasureRoutes(eraser: Pick<Eraser, "request" | "get" | "latest">): Routes {
  return (server) => {
    server.delete("/events", { schema: eraseSchema, validatorCompiler: leftToTheService }, async (request, reply) => {
      const erasure = await eraser.request(request.query as Readonly<Record<string, unknown>>);
      return reply.code(202).header("location", `/erasures/${erasure.erasure_id}`).send(erasure);
    });
    server.get<AllErasures>("/erasures", { schema: listSchema }, (request) => eraser.latest(request.query.limit));
    server.get<OneErasure>("/erasures/:erasure_id", { schema: getSchema }, (request) =>
      eraser.get(request.params.erasure_id),
    );
  };
}

const tags = ["erasures"];
const eraseSchema = {
  tags,
  summary: "Erase events for good",
  description: [
    "All events of a `user_id`, or those of an `event_id`, that were accepted before: they leave the stored events, and the windows",
    "of every rule are made anew without them. The answer comes when it is sure to be done, also after a crash; the erasure",
    "that it names says how far it is. Events that come later stay, whatever their times.",
  ].join(" "),
  querystring: ErasureParameters,
  response: { 202: ErasureAnswer },
};
const listSchema = {
  tags,
  summary: "What was erased, and how far it is",
  querystring: ErasuresParameters,
  response: { 200: ErasuresAnswer },
};
const getSchema = {
  tags,
  summary: "How far an erasure is",
  querystring: NoParameters,
  params: ErasurePath,
  response: { 200: ErasureAnswer, 404: ErrorBody },
};
