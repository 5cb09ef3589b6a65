/** An accepted event: checked, with its payload as canonical JSON text. */
export interface Event {
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string;
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number;
  /** The payload object as the text of our canonical JSON. */
  readonly payload: string;
}
