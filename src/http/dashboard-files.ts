import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

/** A file as it is sent: made ready once, as there are few and they are small. */
export interface ReadyFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

/** The built pages: the one document, and what it loads by name. */
export interface ReadyPages {
  readonly document: ReadyFile;
  readonly assets: ReadonlyMap<string, ReadyFile>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Reads what `npm run build` has made; undefined when it is not there. */
export function readPages(folder: string): ReadyPages | undefined {
  try {
    const names = readdirSync(join(folder, "assets"));
    const assets = names.map((name) => [name, ready(join(folder, "assets", name))] as const);
    return { document: ready(join(folder, "index.html")), assets: new Map(assets) };
  } catch {
    return undefined;
  }
}

function ready(path: string): ReadyFile {
  const plain = readFileSync(path);
  const type = types[extname(path)] ?? "application/octet-stream";
  const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  return { type, etag, plain, gzipped: gzipSync(plain) };
}
