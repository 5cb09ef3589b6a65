// A web shop whose visitors are counted as they come. In a program of your own: import { Weir } from "weir-client".
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Weir } from "../../client/src/weir.ts";

const products = [
  { id: 1, name: "Teapot", price: 24.9 },
  { id: 2, name: "Cup", price: 7.5 },
  { id: 3, name: "Spoon", price: 2.05 },
];

const weir = new Weir({
  ingestUrl: process.env["INGEST_URL"] ?? "http://localhost:8000",
  queryUrl: process.env["QUERY_URL"] ?? "http://localhost:8001",
});

await weir.rules.put({
  rule_id: "shop_revenue_1d",
  window_size: "1d",
  metric: "sum",
  field: "payload.price",
  decimals: 2,
  filter: 'event_type == "shop.order"',
  group_by: ["payload.product"],
});
await weir.rules.put({
  rule_id: "shop_steps_1d",
  window_size: "1d",
  metric: "count",
  filter: 'event_type.startsWith("shop.")',
  group_by: ["event_type"],
});

const sender = weir.sender();

/** Tells what a visitor did. Only a queue that is full, after minutes without a server, makes anybody wait. */
async function tell(visitor: string, event_type: string, payload: object): Promise<void> {
  const { eventId, outcome } = await sender.send({ user_id: visitor, event_type, payload: { ...payload } });
  void outcome.then((became) => {
    if (became.status !== "accepted") console.error(eventId, became);
  });
}

async function figures(): Promise<object> {
  const found: Record<string, Record<string, unknown>> = { revenue: {}, steps: {} };
  for await (const row of weir.stats.rows({ rule: "shop_revenue_1d" }))
    found["revenue"]![row["payload.product"] as string] = row.value;
  for await (const row of weir.stats.rows({ rule: "shop_steps_1d" }))
    found["steps"]![row["event_type"] as string] = row.value;
  return found;
}

async function answer(request: IncomingMessage): Promise<object | undefined> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop");
  const visitor = searchParams.get("visitor") ?? "somebody";
  const product = products.find(({ id }) => id === Number(searchParams.get("product")));
  if (pathname === "/figures") return figures();
  if (pathname === "/") {
    await tell(visitor, "shop.view", {});
    return products;
  }
  if (pathname !== "/orders" || request.method !== "POST" || product === undefined) return undefined;
  await tell(visitor, "shop.order", { product: product.name, price: product.price });
  return { ordered: product };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

const server = createServer((request, response) => {
  answer(request)
    .then((body) => (body === undefined ? reply(response, 404, { error: "not here" }) : reply(response, 200, body)))
    .catch((error: unknown) => reply(response, 500, { error: String(error) }));
});

server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  console.log(`the shop is open: http://localhost:${(server.address() as AddressInfo).port}`);
});

process.once("SIGINT", () => void close()).once("SIGTERM", () => void close());

async function close(): Promise<void> {
  server.close();
  const { accepted } = await sender.close({ withinMs: 10_000 });
  console.log(`${accepted} events were sent`);
  weir.close();
}
