import type { Access } from "./settings.ts";

/** What the parent says to the engine child, over the channel that Node opens between them. */
export type ToChild =
  | {
      readonly type: "start";
      /** The engine's folder of data. */
      readonly path: string;
      readonly configFile: string;
      /** Taken when it is free, else any; 0: any. */
      readonly port: number;
      /** The port without a secret, for users' tools; null: none. */
      readonly readonlyPort: number | null;
      readonly secrets: Readonly<Record<Access, string>>;
      readonly memoryMax: number;
      /** False: until it is told to `merge`, no parts are merged. */
      readonly merges: boolean;
    }
  | { readonly type: "merge" }
  | { readonly type: "ping" }
  | { readonly type: "stop" };

export type FromChild =
  | { readonly type: "ready"; readonly port: number; readonly readonlyPort: number | null }
  | { readonly type: "failed"; readonly reason: string }
  /** The engine has answered a query just now. */
  | { readonly type: "pong" };
