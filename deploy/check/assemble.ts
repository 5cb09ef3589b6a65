import { cpSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyOf, lineage, stagesOf } from "./dockerfile.ts";
import { isInContext, root, textOf } from "./read.ts";

/**
 * Lays out in `folder` what the image `target` has in its own: what its COPYs take of the repository, and the packages that
 * production needs, without those that are named.
 */
export function assembleImage(folder: string, target: string, without: readonly string[] = []): void {
  layOut(folder, target);
  const { devDependencies } = JSON.parse(textOf("package.json")) as { devDependencies: object };
  linkPackages(folder, [...Object.keys(devDependencies), ...without]);
}

/** What the COPYs take of the repository. */
export function layOut(folder: string, target: string): void {
  const copies = lineage(stagesOf(textOf("deploy/Dockerfile")), target)
    .flatMap(({ instructions }) => instructions)
    .filter(({ name }) => name === "COPY")
    .map(copyOf);
  for (const { from, sources, target: to } of copies)
    if (from === undefined)
      for (const source of sources)
        copy(source, sources.length > 1 || to.endsWith("/") ? join(folder, to, source) : join(folder, to));
}

function copy(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(root + source, target, {
    recursive: true,
    filter: (path) => isInContext(path.slice(root.length)) || statSync(path).isDirectory(),
  });
}

/** Of a scope each package by itself, so that some of it can be left out. */
function linkPackages(folder: string, without: readonly string[]): void {
  const names = readdirSync(`${root}node_modules`)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(`${root}node_modules/${name}`).map((inner) => `${name}/${inner}`) : [name],
    );
  for (const name of names.filter((each) => !without.some((left) => each === left || each.startsWith(`${left}/`)))) {
    mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
    symlinkSync(`${root}node_modules/${name}`, join(folder, "node_modules", name));
  }
}
