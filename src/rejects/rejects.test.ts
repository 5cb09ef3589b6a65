import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { runRejects } from "./rejects.ts";

const takes = { events: 3, chars: 1000 };

/** A server with these in quarantine, which takes so much at a time. */
async function serverWith(context: TestContext, names: readonly string[]) {
  const kept = new Map(names.map((name, off) => [`0:${off}`, name]));
  const sent: number[] = [];
  const refused = (code: string): [number, object] => [413, { error: { code, message: `${code}!`, details: null } }];
  const answer = (url: URL, body: string): [number, object] => {
    if (url.pathname === "/ingest/status") return [200, { counted: true }];
    if (url.pathname === "/ingest") {
      const { length } = body.split("\n");
      if (length > takes.events) return refused("too_many_events");
      if (body.length > takes.chars) return refused("body_too_large");
      sent.push(length);
      return [202, { token: "t" }];
    }
    const positions = url.searchParams.getAll("position");
    for (const position of positions) kept.delete(position);
    if (positions.length > 0) return [200, { deleted: positions.length }];
    return [200, { data: [...kept].map(([position, event_id]) => ({ position, event_id, payload: {} })) }];
  };
  const server: Server = createServer((request, reply) => {
    void text(request).then((body) => {
      const [status, said] = answer(new URL(request.url!, "http://x"), body);
      reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  context.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { kept, sent, addresses: { ingestUrl: url, queryUrl: url } };
}

test("a page that is too much for one request is put back in parts, and what is too large by itself stays", async (context) => {
  const large = "x".repeat(2000);
  const { kept, sent, addresses } = await serverWith(context, ["a", "b", large, "c", "d", "e", "f", "g"]);
  const said: string[] = [];
  await runRejects("replay", addresses, (line) => void said.push(line));
  assert.deepEqual([...kept.values()], [large]);
  assert.ok(sent.every((count) => count <= takes.events));
  assert.match(said[0] ?? "", /^0:2 .*stays in quarantine: body_too_large!/);
  assert.deepEqual(said.slice(1), ["7 sent again, 1 not taken any more; 1 in quarantine now"]);
});
