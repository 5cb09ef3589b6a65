/** An event as it is kept, under its position. */
export interface StoredEvent {
  readonly src: number;
  readonly off: number;
  readonly receivedAt: number;
  readonly timestamp: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string;
  /** Canonical JSON text. */
  readonly payload: string;
}
