import assert from "node:assert/strict";
import { test } from "node:test";
import { basisOf } from "../../test/support/made-servers.ts";
import { memoryLog } from "../../test/support/memory-log.ts";
import { createLogger } from "../observe/logger.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { ingestServer } from "./servers.ts";

/** Nothing else has it. */
const mark = "mark-7f3a";
const json = "application/json";
const event = {
  event_id: `${mark}-id`,
  user_id: `${mark}-user`,
  event_type: `${mark}-type`,
  timestamp: "2026-01-13T10:00:00Z",
  payload: { [`${mark}-key`]: `${mark}-value`, deep: { list: [mark] } },
};

/** The ingest port, with every line that is logged at the level that says most. `sync` may fail. */
function taking(sync: () => Promise<void>) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: "trace", format: "json", terminal: false, destination });
  const basis = { ...basisOf([]), logger };
  const parts = { log: memoryLog({ sync }), progress: new MemoryProgress(basis.clock), dependencies: {} };
  const server = ingestServer(basis, parts);
  const send = async (payload: string, type = json, url = "/ingest", headers = {}): Promise<number> => {
    const asked = { method: "POST", url, headers: { "content-type": type, ...headers }, payload } as const;
    return (await server.inject(asked)).statusCode;
  };
  return { server, lines, send };
}

test("of an event that is accepted nothing is logged, and of what is refused its code alone", async () => {
  const { server, lines, send } = taking(() => Promise.resolve());
  assert.equal(await send(JSON.stringify([event])), 200);
  assert.deepEqual(lines, []);
  const refused = [
    ...Object.keys(event).map((key) => send(JSON.stringify({ ...event, [key]: [mark] }))),
    send(JSON.stringify({ ...event, [`${mark}-unknown`]: mark, timestamp: mark })),
    send(JSON.stringify({ ...event, user_id: mark.repeat(100) })),
    send(`[${JSON.stringify(event)}, ${mark}]`),
    send(`${JSON.stringify(event)}\n${mark}`, "application/x-ndjson"),
    send(JSON.stringify({ specversion: "1.0", id: mark, source: mark, data: [mark] }), "application/cloudevents+json"),
    send(mark, `text/${mark}`),
    send(mark, json, "/ingest", { "content-encoding": mark }),
    send(mark, json, `/ingest?wait=${mark}&${mark}=1`),
    send(mark, json, `/${mark}`),
  ];
  for (const status of await Promise.all(refused)) assert.ok(status >= 400 && status < 500, String(status));
  assert.equal(lines.length, refused.length);
  for (const line of lines) assert.match(line, /"level":"debug",.*"code":"[a-z_]+".*"msg":"request refused"/);
  assert.doesNotMatch(lines.join(""), new RegExp(mark, "i"));
  await server.close();
});

test("an event that could not be kept is logged by what went wrong, and not by what it was", async () => {
  const { server, lines, send } = taking(() => Promise.reject(new Error("the disk broke")));
  assert.equal(await send(JSON.stringify([event])), 500);
  assert.match(lines.join(""), /"level":"error".*the disk broke.*"msg":"request failed"/);
  assert.doesNotMatch(lines.join(""), new RegExp(mark, "i"));
  await server.close();
});
