/** How large one event may be. The same for every form in which events arrive. */
export const eventLimits = {
  /** Characters (Unicode code points) of `event_id`, `event_type` and `user_id`; at least one. */
  textCharsMax: 256,
  /** Objects and arrays inside each other, the payload itself being the first. */
  payloadDepthMax: 32,
  /** Keys of all objects of a payload together. */
  payloadKeysMax: 512,
  /** UTF-8 bytes of one key of a payload. */
  payloadKeyBytesMax: 256,
  /** UTF-8 bytes of the three texts and of the payload's canonical JSON together. */
  eventBytesMax: 65_536,
} as const;

/** What a check of events needs to know beside the limits. */
export interface EventRules {
  /** The latest timestamp that is taken, milliseconds since the epoch. */
  readonly timestampMax: number;
}
