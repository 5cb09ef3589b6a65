import type { Life } from "./life.ts";

/** What a commit comes to. */
export type CommitFate = "synced" | "sync fails" | "disk full";

/** The thread that uses the files, and what befalls it. */
export interface DiskUser {
  readonly life: Life;
  /** The thread's time: it runs ahead of the world's while it waits for the disk. */
  time(): number;
  /** The thread waits for the disk. */
  busy(): void;
  commitFate(): CommitFate;
  /** A place where the process may die. */
  passed(place: string): void;
}
