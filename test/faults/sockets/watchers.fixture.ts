/** Many watching sockets in a process of their own; does what it is told over the channel of its parent. */
import { setTimeout as pause } from "node:timers/promises";
import type { OpenOrder, Order, Tick, Told } from "./order.ts";
import { WatchingSocket } from "./watching-socket.ts";

const sockets: WatchingSocket[] = [];
const endsMs = 60_000;

async function open(order: OpenOrder): Promise<Told> {
  const { sockets: count, perSecond } = order;
  const startedAt = performance.now();
  const failed: string[] = [];
  const opening: Promise<void>[] = [];
  while (opening.length < count) {
    const due = Math.min(count, 1 + Math.floor(((performance.now() - startedAt) / 1000) * perSecond));
    while (opening.length < due) {
      const socket = new WatchingSocket(order);
      sockets.push(socket);
      opening.push(socket.opened.catch((error: unknown) => void failed.push(String(error))));
    }
    await pause(2);
  }
  await Promise.all(opening);
  return { type: "opened", ms: performance.now() - startedAt, failed };
}

/** Values that were pushed together came with the later one. */
function delays(ticks: readonly Tick[]): Told {
  const ms: number[] = [];
  let missing = 0;
  for (const { arrivals } of sockets) {
    const values = [...arrivals].toSorted(([a], [b]) => a - b);
    for (const { value, sentAt } of ticks) {
      const arrived = values.find(([one]) => one >= value)?.[1];
      if (arrived === undefined) missing += 1;
      else ms.push(arrived - sentAt);
    }
  }
  return { type: "delays", ms, missing };
}

const assembled = (): Told => ({
  type: "assembled",
  outcomes: [...new Set(sockets.flatMap(({ assembling }) => assembling?.outcome ?? []))],
});

async function ends(): Promise<Told> {
  for (const socket of sockets) socket.resume();
  await Promise.race([Promise.all(sockets.map(({ ended }) => ended)), pause(endsMs)]);
  return { type: "ends", ends: sockets.map(({ end }) => end) };
}

async function obey(order: Order): Promise<Told> {
  switch (order.type) {
    case "open":
      return open(order);
    case "delays":
      return delays(order.ticks);
    case "assembled":
      return assembled();
    case "ends":
      return ends();
  }
}

process.on("message", (order: Order) => void obey(order).then((told) => process.send?.(told)));
process.on("disconnect", () => process.exit(0));
