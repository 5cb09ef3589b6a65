import type { EventKey } from "./store.ts";

/** One text for each key, to look it up among others. */
export const keyText = (key: EventKey): string => `${key.timestamp} ${key.event_id}`;
