/**
 * Short messages from each process of an installation to all of them.
 *
 * The channel owes: a message that `send` has resolved for is heard by every process that listens, those of one sender in
 * their order. It may come late, twice, or not at all: then `lost` is called, or the sender was told. Nothing correct may
 * hang on a message; it says where to look.
 */
export interface Channel {
  /** Rejects when nobody may hear it. One at a time. */
  send(message: Uint8Array): Promise<void>;
  /** Hears what comes from now on, after some of what was said last, own messages included. Once. */
  listen(listener: ChannelListener): void;
  trouble(): ChannelTrouble;
  close(): Promise<void>;
}

/** Why nothing can be sent, or heard, now, for people; undefined while all is well. */
export interface ChannelTrouble {
  readonly sending: string | undefined;
  readonly hearing: string | undefined;
}

export interface ChannelListener {
  readonly heard: (message: Uint8Array) => void;
  /** Messages are gone that were not heard. */
  readonly lost: () => void;
}
