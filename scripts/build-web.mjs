// `npm run build`: makes the dashboard's pages (web/dist) of their sources; runs after every install (`--install`), where it
// may fail without failing that. Does nothing when they were made of the same sources. Plain JavaScript, for any Node npm has.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const sources = join(root, "web");
const made = join(sources, "dist");
const stampFile = join(made, ".made-of");

/** Every file that the pages are made of. */
function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "dist" ? [] : filesOf(path);
    return /\.test\.tsx?$/.test(entry.name) ? [] : [path];
  });
}

function stampOf() {
  const hash = createHash("sha256");
  const files = [...filesOf(sources), ...filesOf(join(root, "client/src"))].sort((a, b) => (a < b ? -1 : 1));
  for (const file of [...files, join(root, "package-lock.json"), fileURLToPath(import.meta.url)])
    hash.update(file.slice(root.length)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

async function build(stamp) {
  const { build: bundle } = await import("vite");
  // Elsewhere first, so that a server never reads half of it, and two builds don't meet.
  const fresh = join(root, ".cache", `web-${process.pid}`);
  const old = `${fresh}-old`;
  await bundle({
    configFile: false,
    root: sources,
    // Behind a proxy the server may stand below a path.
    base: "./",
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic" } },
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: "es2023",
      cssTarget: ["chrome125", "firefox125", "safari17.5"],
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  writeFileSync(join(fresh, ".made-of"), stamp);
  if (existsSync(made)) renameSync(made, old);
  renameSync(fresh, made);
  rmSync(old, { recursive: true, force: true });
}

// An image may install before it has the sources.
if (existsSync(join(sources, "index.html"))) {
  const stamp = stampOf();
  const isMade = existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
  if (!isMade) {
    mkdirSync(join(root, ".cache"), { recursive: true });
    await build(stamp).catch((error) => {
      const isInstall = process.argv.includes("--install");
      console.error(`The dashboard could not be built: ${error instanceof Error ? error.message : error}`);
      if (isInstall) console.error("Everything else works. `npm run build` tries again.");
      else process.exitCode = 1;
    });
  }
}
