import type { CloseReason } from "../protocol/live.ts";
import type { Mark } from "./exact/subscriber.ts";

/** A client's end of the line, whatever carries it. Calls never throw, and after `close` do nothing. */
export interface Client {
  /** `mark`: where the client is with a rule once it has this. */
  send(text: string, mark?: Mark): void;
  /** What was sent and has not left this process. */
  bufferedBytes(): number;
  /** Ends the line; the reason's code and words are in `closeCodes`. The carrier still reports the end as it would any other. */
  close(reason: CloseReason): void;
}
