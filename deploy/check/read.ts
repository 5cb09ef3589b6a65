import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { ComposeFile } from "./compose.ts";
import { isIgnored } from "./ignored.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const textOf = (path: string): string => readFileSync(root + path, "utf8");

/** A compose file as an engine understands it where no variable is set: defaults put in, anchors merged. */
export function readCompose(path: string): ComposeFile {
  const text = textOf(path).replaceAll(
    /(?<!\$)\$\{\w+(?::-([^}]*))?\}/g,
    (_all, given: string | undefined) => given ?? "",
  );
  return parse(text, { merge: true }) as ComposeFile;
}

/** Whether a builder sees the path of the repository. */
export function isInContext(path: string): boolean {
  return existsSync(root + path) && !isIgnored(textOf(".dockerignore"), path.replace(/\/$/, ""));
}
