import { WeirError } from "../errors.ts";
import type { Socket } from "../surroundings.ts";
import type { LiveRequest } from "../wire.ts";
import type { Carrier, Line, Wanted } from "./carrier.ts";

/** The server takes 16 KiB a message. */
const requestBytesMax = 12 * 1024;
const encoder = new TextEncoder();

/** Over a WebSocket, on which rules come and go. */
export function socketCarrier(url: string, openSocket: (url: string) => Socket): Carrier {
  return (wanted, events): Line => {
    const socket = opened(url, openSocket);
    if (socket instanceof WeirError) {
      queueMicrotask(() => events.closed(socket));
      return { close: () => {} };
    }
    let isOpen = false;
    // One listener each, and none any more once the line is closed.
    // oxlint-disable unicorn/prefer-add-event-listener
    socket.onopen = () => {
      isOpen = true;
      events.opened();
      for (const request of requestsOf(wanted())) socket.send(request);
    };
    socket.onmessage = ({ data }) => events.message(String(data));
    // What was wrong is not told to pages; that it has ended always is.
    socket.onerror = () => {};
    socket.onclose = () => events.closed();
    const send = (request: LiveRequest): void => {
      if (isOpen) socket.send(JSON.stringify(request));
    };
    const close = (): void => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      // A browser complains of a socket that is closed before it was opened, and tells the server of none.
      socket.close();
    };
    // oxlint-enable unicorn/prefer-add-event-listener
    return {
      watch: (one) => send(requestOf([one])),
      unwatch: (rule) => send({ unsubscribe_rules: [rule] }),
      close,
    };
  };
}

/** A page that came over TLS may open none without, and is told so by what it throws. */
function opened(url: string, openSocket: (url: string) => Socket): Socket | WeirError {
  try {
    return openSocket(url);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new WeirError("no_answer", `no socket can be opened to ${url}: ${why}`, { cause });
  }
}

/** As few messages as may be: rules that are watched alike together, none larger than the server takes. */
export function requestsOf(wanted: readonly Wanted[]): string[] {
  const alike = new Map<string, Wanted[]>();
  for (const one of wanted) {
    const key = JSON.stringify([one.intervalMs, one.from]);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap(inParts);
}

function inParts(wanted: readonly Wanted[]): string[] {
  const text = JSON.stringify(requestOf(wanted));
  if (wanted.length === 1 || encoder.encode(text).length <= requestBytesMax) return [text];
  const middle = Math.ceil(wanted.length / 2);
  return [...inParts(wanted.slice(0, middle)), ...inParts(wanted.slice(middle))];
}

function requestOf(wanted: readonly Wanted[]): LiveRequest {
  const [{ intervalMs, from } = { intervalMs: undefined, from: undefined }] = wanted;
  const places = wanted.flatMap(({ rule, place }) => (place === undefined ? [] : [[rule, place] as const]));
  return {
    subscribe_rules: wanted.map(({ rule }) => rule),
    mode: "delta",
    ...(intervalMs !== undefined && { interval_ms: intervalMs }),
    ...(from !== undefined && { from }),
    ...(places.length > 0 && { resume: Object.fromEntries(places) }),
  };
}
