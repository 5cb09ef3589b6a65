import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Why no disk of one's own can be had here, for people; undefined when one can. */
export async function whyNoSmallDisk(): Promise<string | undefined> {
  try {
    await SmallDisk.mount(1 << 20).unmount();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** A file system in memory that is soon full. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws Error where one may not mount: for that one must be root, at least in a name space of one's own (`unshare -rm`). */
  static mount(bytes: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), "weir-disk-"));
    try {
      mount(["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
      return new SmallDisk(folder);
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Writes a file that leaves no more than `left` bytes free. */
  fill(left = 0): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (let more = this.freeBytes - left; more > 0; more = this.freeBytes - left)
        writeSync(file, Buffer.alloc(Math.min(more, 1 << 20)));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Removes what `fill` has written. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Makes it larger. */
  grow(bytes: number): void {
    mount(["-o", `remount,size=${bytes}`, this.folder]);
  }

  /** Resolves when it is gone: a process that was killed may hold it for a moment. */
  async unmount(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { status, stderr } = spawnSync("umount", [this.folder]);
      if (status === 0) break;
      if (attempt === 600) throw new Error(`${this.folder} can't be unmounted: ${String(stderr).trim()}`);
      await pause(100);
    }
    rmdirSync(this.folder);
  }

  get #ballast(): string {
    return join(this.folder, "ballast");
  }
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args);
  if (status !== 0) throw new Error(`no file system can be mounted: ${String(stderr).trim()}`);
}
