import { posix } from "node:path";
import {
  clientReaders,
  clockOwners,
  httpSpeakers,
  mayImport,
  oracleHelpers,
  pagePackages,
  processOwners,
  units,
  vendorHomes,
} from "./layers.ts";
import { scan } from "./scan.ts";
import type { Scanned } from "./scan.ts";

/** The files of the repository by path from its root. */
export type Files = ReadonlyMap<string, string>;
type Sources = ReadonlyMap<string, Scanned>;

const linesMax = 400;
/** A file that a command writes from others is not read from its top to its end. */
const isMade = /^\/\/ Made by `npm run /;

/** Everything in which the files break the house's rules, one line each: `path: what`. */
export function untidy(files: Files): string[] {
  const sources: Sources = new Map(
    [...files].filter(([path]) => isSource(path)).map(([path, text]) => [path, scan(text)]),
  );
  return [
    ...directions(sources),
    ...clientAlone(sources),
    ...pagesApart(sources),
    ...oracleApart(sources),
    ...cycles(sources),
    ...vendors(sources),
    ...barrels(sources),
    ...httpNumbers(sources),
    ...owners(sources),
    ...timeAndChance(sources),
    ...texts(files),
    ...map(files),
  ];
}

const isSource = (path: string): boolean => /\.(tsx?|mjs)$/.test(path);
const isTest = (path: string): boolean => /\.(test|suite|bench|fuzz|fixture)\.ts$/.test(path);
const isProduct = (path: string): boolean => path.startsWith("src/") && !isTest(path);

function directions(sources: Sources): string[] {
  return everyImport(sources, isProduct, (path, target) => {
    if (target.startsWith("client/src/"))
      return clientReaders.includes(unitOf(path)) ? [] : [`${path}: ${unitOf(path)} may not import the client`];
    if (!target.startsWith("src/"))
      return target.startsWith(".") ? [] : [`${path}: the product may not import ${target}`];
    const [from, to] = [unitOf(path), unitOf(target)];
    const allowed = mayImport[from];
    if (allowed === undefined) return [`${path}: ${from} has no place in test/tidy/layers.ts`];
    if (from === to || allowed.includes("*") || allowed.includes(to)) return [];
    return [`${path}: ${from} may not import ${to} (${target})`];
  });
}

/** The client is published by itself: it needs nothing of the server, and no package but React in one file. */
function clientAlone(sources: Sources): string[] {
  const isOfClient = (path: string): boolean => path.startsWith("client/src/") && !isTest(path);
  return [
    ...everyImport(sources, isOfClient, (path, target) =>
      target.startsWith("client/src/") ? [] : [`${path}: the client may not import ${target}`],
    ),
    ...everyPackage(sources, isOfClient, (path, name) =>
      name === "react" && path === "client/src/react.ts" ? [] : [`${path}: the client may not import ${name}`],
    ),
  ];
}

/** The dashboard knows the server by the client alone, as any reader of the API does. */
function pagesApart(sources: Sources): string[] {
  const isOfPages = (path: string): boolean => path.startsWith("web/src/") && !isTest(path);
  return [
    ...everyImport(sources, isOfPages, (path, target) =>
      /^(?:web|client)\/src\//.test(target) ? [] : [`${path}: the dashboard may not import ${target}`],
    ),
    ...everyPackage(sources, isOfPages, (path, name) =>
      pagePackages.includes(name) ? [] : [`${path}: the dashboard may not import ${name}`],
    ),
  ];
}

/** What is compared with the oracle says nothing where both have it of the same code; its types it may have. */
function oracleApart(sources: Sources): string[] {
  return [...sources]
    .filter(([path]) => path.startsWith("test/oracle/") && !isTest(path))
    .flatMap(([path, { valueImports }]) =>
      local(path, valueImports)
        .filter((target) => !target.startsWith("test/oracle/") && !oracleHelpers.includes(target))
        .map((target) => `${path}: the oracle may import types alone of ${target}`),
    );
}

/** The longest unit that the path lies in; for an unknown folder its name. */
function unitOf(path: string): string {
  const inner = path.slice("src/".length);
  return units.find((unit) => inner === unit || inner.startsWith(`${unit}/`)) ?? inner.split("/")[0]!;
}

/** Cycles among files, by any import, that of a type as well. One report per cycle, from its first file. */
function cycles(sources: Sources): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) found.push(`${path}: cycle ${[...way.slice(at), path].join(" → ")}`);
    if (at >= 0 || done.has(path)) return;
    for (const target of localImports(path, sources.get(path))) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return found;
}

function vendors(sources: Sources): string[] {
  return everyPackage(sources, isProduct, (path, name) => {
    if (name.startsWith("node:") && vendorHomes[name] === undefined) return [];
    const homes = vendorHomes[name];
    if (homes === undefined) return [`${path}: ${name} has no home in test/tidy/layers.ts`];
    return homes.some((home) => path.startsWith(home))
      ? []
      : [`${path}: ${name} is imported in ${homes.join(", ")} only`];
  });
}

function barrels(sources: Sources): string[] {
  return [...sources].flatMap(([path, { isBarrel }]) =>
    isBarrel || /(^|\/)index\.\w+$/.test(path) ? [`${path}: a barrel; import from where things are`] : [],
  );
}

const httpNumber = /\.statusCode\b|\.code\(\s*\d|\bstatus(?:Code)?["']?\s*(?:[=!]==?|[:=<>]=?)\s*[1-5]\d\d\b/;

function httpNumbers(sources: Sources): string[] {
  return lines(
    sources,
    (path) => isProduct(path) && !httpSpeakers.some((place) => place.test(path)),
    httpNumber,
    "HTTP's numbers belong into http/",
  );
}

const processTouch = /(?<![.#\w])process\s*\.\s*(?:env|on|once|exit|exitCode|argv)\b/;

function owners(sources: Sources): string[] {
  return lines(
    sources,
    (path) => isProduct(path) && !processOwners.some((place) => place.test(path)),
    processTouch,
    "the process belongs to main.ts and config/",
  );
}

/** `AbortSignal.timeout` is left out: it bounds requests to real servers, which no simulation has. */
const timeTouch = new RegExp(
  [
    String.raw`(?<![.\w#])(?:globalThis\s*\.\s*)?set(?:Timeout|Interval|Immediate)\b`,
    String.raw`\b(?:Date|performance)\s*\.\s*now\b|\bnew\s+Date\b(?!\s*\(\s*[^\s)])`,
    String.raw`\bprocess\s*\.\s*hrtime\b|\bMath\s*\.\s*random\b`,
  ].join("|"),
);
const timeModules = /^node:(?:timers|perf_hooks)\b/;

/** They come in as parameters, so that a simulation can own them. */
function timeAndChance(sources: Sources): string[] {
  const applies = (path: string): boolean => isProduct(path) && !clockOwners.some((place) => place.test(path));
  const what = "time, timers and chance come in as parameters";
  const modules = everyPackage(sources, applies, (path, name) => (timeModules.test(name) ? [`${path}: ${what}`] : []));
  return [...lines(sources, applies, timeTouch, what), ...modules];
}

function lines(sources: Sources, applies: (path: string) => boolean, pattern: RegExp, what: string): string[] {
  return [...sources]
    .filter(([path]) => applies(path))
    .flatMap(([path, { code }]) =>
      code.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${what}`] : [])),
    );
}

// Put together, so that these lines don't find themselves.
const unfinished = new RegExp(
  `\\b(${["TO", "DO"].join("")}|${["FIX", "ME"].join("")})\\b|not ${["imple", "mented"].join("")}`,
);
const machinePath = new RegExp(`(^|[\\s"'\`(=])/(${["work", "root", "home", "Users"].join("|")})/\\w`);

function texts(files: Files): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    const rows = text.split("\n");
    if (isSource(path) && rows.length > linesMax + 1 && !isMade.test(text))
      found.push(`${path}: ${rows.length} lines, more than ${linesMax}`);
    for (const [index, row] of rows.entries()) {
      if (isSource(path) && unfinished.test(row)) found.push(`${path}:${index + 1}: unfinished`);
      if (machinePath.test(row)) found.push(`${path}:${index + 1}: a path of one machine`);
    }
  }
  return found;
}

/** ARCHITECTURE.md's folder map (a path and its meaning a line) is that of the real folders. */
function map(files: Files): string[] {
  const text = files.get("ARCHITECTURE.md");
  if (text === undefined) return ["ARCHITECTURE.md: is missing"];
  const block = /## Folder map\n[^]*?```text\n([^]*?)```/.exec(text)?.[1] ?? "";
  const drawn = new Set([...block.matchAll(/^(\S+\/)(?:\s|$)/gm)].map((match) => match[1]!));
  const real = new Set([...files.keys()].flatMap(foldersOf));
  return [
    ...[...real]
      .filter((folder) => !drawn.has(folder))
      .map((folder) => `ARCHITECTURE.md: the folder map lacks ${folder}`),
    ...[...drawn]
      .filter((folder) => !real.has(folder))
      .map((folder) => `ARCHITECTURE.md: the folder map has ${folder}, which is not there`),
  ];
}

/** Folders of the first level, and all in src/. */
function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  const depth = parts[0] === "src" ? parts.length : Math.min(parts.length, 1);
  return Array.from({ length: depth }, (_, index) => `${parts.slice(0, index + 1).join("/")}/`).filter(
    (folder) => !folder.startsWith("."),
  );
}

function everyImport(
  sources: Sources,
  applies: (path: string) => boolean,
  each: (path: string, target: string) => string[],
): string[] {
  return [...sources]
    .filter(([path]) => applies(path))
    .flatMap(([path, scanned]) => localImports(path, scanned).flatMap((target) => each(path, target)));
}

function everyPackage(
  sources: Sources,
  applies: (path: string) => boolean,
  each: (path: string, name: string) => string[],
): string[] {
  return [...sources]
    .filter(([path]) => applies(path))
    .flatMap(([path, { imports }]) =>
      imports.filter((name) => !name.startsWith(".")).flatMap((name) => each(path, packageOf(name))),
    );
}

/** `@scope/name/inner` is `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier.startsWith("node:")
    ? specifier
    : specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");

function localImports(path: string, scanned: Scanned | undefined): string[] {
  return local(path, scanned?.imports ?? []);
}

const local = (path: string, imports: readonly string[]): string[] =>
  imports.filter((name) => name.startsWith(".")).map((name) => posix.join(posix.dirname(path), name));
