import assert from "node:assert/strict";
import { test } from "node:test";
import { Http } from "../../../client/src/http.ts";
import { csvPart, partText } from "./csv.ts";

/** A server that answers the same to everything, and where it was asked. */
function serverOf(answer: () => Response): { readonly http: Http; readonly asked: URL[] } {
  const asked: URL[] = [];
  const fetch = async (url: string): Promise<Response> => (asked.push(new URL(url)), answer());
  const http = new Http("http://weir", { fetch, after: () => () => {}, now: () => 0 }, { headers: {}, timeoutMs: 1 });
  return { http, asked };
}
const refusal = (status: number, code: string, message: string) => (): Response =>
  Response.json({ error: { code, message, details: null } }, { status });

test("all windows of a rule are asked for as a file, and nothing has to be said of it", async () => {
  const { http, asked } = serverOf(() => new Response("rows"));
  const part = await csvPart(http, "by country");
  assert.equal(await part.file.text(), "rows");
  assert.deepEqual([part.name, part.cursor, partText(part)], ["by country.csv", undefined, undefined]);
  assert.deepEqual(
    asked.map(({ pathname, searchParams }) => [pathname, Object.fromEntries(searchParams)]),
    [["/stats", { rule_id: "by country", start_time: "0", format: "csv", limit: "1000000" }]],
  );
});

test("a file that has not all rows is said to have the newest, and the rest comes behind it, part by part", async () => {
  const cursors = ["a", "b", undefined];
  const { http, asked } = serverOf(() => {
    const cursor = cursors.shift();
    return new Response("rows", { headers: cursor === undefined ? {} : { "x-next-cursor": cursor } });
  });
  const first = await csvPart(http, "r");
  const second = await csvPart(http, "r", first);
  const third = await csvPart(http, "r", second);
  assert.deepEqual([first, second, third].map(partText), [
    "r.csv has the newest 1,000,000 rows. There are older ones.",
    "r-2.csv has the next older 1,000,000 rows. There are older ones.",
    "r-3.csv has the oldest rows: all are saved.",
  ]);
  assert.deepEqual(
    asked.map(({ searchParams }) => searchParams.get("cursor")),
    [null, "a", "b"],
  );
});

test("why a file is refused is told as the server says it", async () => {
  for (const [status, code, message] of [
    [429, "overloaded", "2 tables are being read already; try again"],
    [400, "invalid_query", "these rows take more than 128 MiB"],
  ] as const)
    await assert.rejects(csvPart(serverOf(refusal(status, code, message)).http, "r"), { code, message, status });
});

test("a file that breaks off is not saved as if it were whole", async () => {
  const broken = (): Response => new Response(new ReadableStream({ start: (body) => body.error(new Error("cut")) }));
  await assert.rejects(csvPart(serverOf(broken).http, "r"), {
    code: "no_answer",
    message: "the file broke off while it came",
  });
});
