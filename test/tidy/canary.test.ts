import assert from "node:assert/strict";
import { test } from "node:test";
import { untidy } from "./check.ts";
import { scan } from "./scan.ts";

const clean: Readonly<Record<string, string>> = {
  "ARCHITECTURE.md":
    "## Folder map\n\n```text\nsrc/          x\nsrc/lib/      x\nsrc/event/    x\nsrc/http/     x\nsrc/query/    x\nsrc/live/     x\n```\n",
  "src/lib/a.ts": "export const a = 1;\n",
  "src/event/b.ts": 'import { a } from "../lib/a.ts";\nexport const b = a;\n',
  "src/http/c.ts": 'import { fastify } from "fastify";\nexport const c = (reply: R) => reply.code(404);\n',
  "src/query/d.ts": "export const d = 1;\n",
  "src/live/e.ts": "export const e = 1;\n",
};

function told(changes: Readonly<Record<string, string>>): string {
  return untidy(new Map(Object.entries({ ...clean, ...changes }))).join("\n");
}

test("the clean tree is clean, so that each canary below is the only one to sing", () => assert.equal(told({}), ""));

const folder = ["", "work"].join("/");
const canaries: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ["an import upwards", { "src/lib/a.ts": 'import { b } from "../event/c.ts";' }, /lib may not import event/],
  [
    "an import upwards of a type",
    { "src/lib/a.ts": 'import type { B } from "../event/c.ts";' },
    /lib may not import event/,
  ],
  [
    "an import upwards by re-export",
    { "src/lib/a.ts": 'export { b } from "../event/c.ts";\nexport const x = 1;' },
    /lib may not import event/,
  ],
  [
    "an import upwards when needed",
    { "src/lib/a.ts": 'const b = await import("../event/c.ts");' },
    /lib may not import event/,
  ],
  [
    "services that know each other",
    { "src/live/e.ts": 'import { d } from "../query/d.ts";' },
    /live may not import query/,
  ],
  [
    "the client with something of the server",
    { "client/src/x.ts": 'import type { A } from "../../src/lib/a.ts";' },
    /client may not import src\/lib\/a\.ts/,
  ],
  ["the client with a package", { "client/src/x.ts": 'import { x } from "react";' }, /client may not import react/],
  [
    "the dashboard with something of the server",
    { "web/src/x.tsx": 'import type { A } from "../../src/lib/a.ts";' },
    /dashboard may not import src\/lib\/a\.ts/,
  ],
  [
    "the dashboard with a package",
    { "web/src/x.ts": 'import x from "left-pad";' },
    /dashboard may not import left-pad/,
  ],
  [
    "a service that asks over HTTP",
    { "src/query/d.ts": 'import { Weir } from "../../client/src/weir.ts";' },
    /query may not import the client/,
  ],
  ["an unknown part", { "src/new/n.ts": 'import { a } from "../lib/a.ts";' }, /new has no place/],
  [
    "the product importing tests",
    { "src/lib/a.ts": 'import { a } from "../../test/x.ts";' },
    /may not import test\/x\.ts/,
  ],
  [
    "a cycle by types alone",
    { "src/lib/a.ts": 'import type { Z } from "./z.ts";', "src/lib/z.ts": 'import type { A } from "./a.ts";' },
    /cycle src\/lib\/a\.ts → src\/lib\/z\.ts → src\/lib\/a\.ts/,
  ],
  ["a cycle among tests", { "test/a.ts": 'import "./b.ts";', "test/b.ts": 'import "./a.ts";' }, /cycle/],
  [
    "a vendor away from home",
    { "src/query/d.ts": 'import Fastify from "fastify";' },
    /fastify is imported in src\/http\/ only/,
  ],
  [
    "a vendor's inner path away from home",
    { "src/query/d.ts": 'import { x } from "@clickhouse/client/deep";' },
    /@clickhouse\/client is imported/,
  ],
  ["a vendor without a home", { "src/query/d.ts": 'import x from "left-pad";' }, /left-pad has no home/],
  [
    "the database of one adapter elsewhere",
    { "src/query/d.ts": 'import { DatabaseSync } from "node:sqlite";' },
    /node:sqlite is imported/,
  ],
  ["a file called index", { "src/lib/index.ts": "export const x = 1;" }, /a barrel/],
  [
    "a file of exports of others",
    { "src/lib/all.ts": '// all\nexport * from "./a.ts";\nexport type {\n  A,\n} from "./a.ts";\n' },
    /a barrel/,
  ],
  ["a status in a service", { "src/query/d.ts": "answer.statusCode = x;" }, /src\/query\/d\.ts:1: HTTP/],
  ["a code in a service", { "src/query/d.ts": "\nreply.code(404);" }, /src\/query\/d\.ts:2: HTTP/],
  ["a number in a service", { "src/query/d.ts": "if (response.status === 404) {}" }, /HTTP/],
  ["a look into the environment", { "src/query/d.ts": 'const x = process.env["HOME"];' }, /the process belongs/],
  [
    "a hand on signals inside a template",
    { "src/query/d.ts": "const x = `a ${process.on(s, f)} b`;" },
    /the process belongs/,
  ],
  ["a look at the clock", { "src/query/d.ts": "const x = Date.now();" }, /d\.ts:1: time, timers and chance come in/],
  ["a look at the clock by a date", { "src/query/d.ts": "const x = new Date();" }, /time, timers and chance/],
  ["a time measured", { "src/query/d.ts": "const x = performance.now();" }, /time, timers and chance/],
  ["chance", { "src/query/d.ts": "const x = { random: Math.random };" }, /time, timers and chance/],
  ["a timer", { "src/query/d.ts": "\nconst x = setTimeout(f, 1);" }, /d\.ts:2: time, timers and chance/],
  ["a timer that is handed on", { "src/query/d.ts": "const x = { every: globalThis.setInterval };" }, /time, timers/],
  [
    "a timer of a module",
    { "src/query/d.ts": 'import { setTimeout as pause } from "node:timers/promises";' },
    /time, timers and chance/,
  ],
  [
    "an oracle that shares code with what it judges",
    { "test/oracle/o.ts": 'export type X = 1;\nimport { a } from "../../src/lib/a.ts";' },
    /test\/oracle\/o\.ts: the oracle may import types alone of src\/lib\/a\.ts/,
  ],
  [
    "an oracle that shares it among types",
    { "test/oracle/o.ts": 'import { type A, a } from "../../src/lib/a.ts";' },
    /types alone of src\/lib\/a\.ts/,
  ],
  [
    "an oracle that shares it by a helper",
    { "test/oracle/o.ts": 'import { x } from "../support/x.ts";' },
    /types alone of test\/support\/x\.ts/,
  ],
  ["an endless file", { "src/lib/a.ts": "x;\n".repeat(401) }, /402 lines/],
  ["an unfinished place", { "src/lib/a.ts": `// ${"TO" + "DO"}: later` }, /unfinished/],
  ["a machine's path in a document", { "README.md": `see ${folder}/main` }, /README\.md:1: a path of one machine/],
  ["a folder that the map lacks", { "bench/x.ts": "export const x = 1;" }, /the folder map lacks bench\//],
  [
    "an inner folder that the map lacks",
    { "src/lib/deep/x.ts": "export const x = 1;" },
    /the folder map lacks src\/lib\/deep\//,
  ],
  [
    "a folder that is not there",
    {
      "ARCHITECTURE.md": clean["ARCHITECTURE.md"]!.replace("```\n", "```\n").replace(
        "src/live/     x\n",
        "src/live/     x\nsrc/gone/     x\n",
      ),
    },
    /has src\/gone\/, which is not there/,
  ],
  ["no map at all", { "ARCHITECTURE.md": "" }, /the folder map lacks src\//],
];

for (const [what, changes, expected] of canaries) test(`finds ${what}`, () => assert.match(told(changes), expected));

test("knows what is no look at the clock, and what of a module is types", () => {
  const dates = "const a = new Date(ms).toISOString(); socket.setTimeout(0); clock.now(); Date.UTC(2026, 0);\n";
  const types = 'import type { A } from "../../src/lib/a.ts";\nexport type { B } from "../../src/event/b.ts";\n';
  const own = 'import { seeded } from "../support/random.ts";\nimport { p } from "./p.ts";\n';
  const parts = { "test/oracle/o.ts": types + own, "test/x.ts": "", "bench/x.ts": "" };
  assert.doesNotMatch(told({ "src/query/d.ts": dates, ...parts }), /time, timers|the oracle/);
});

test("is not deceived by texts, comments and patterns", () => {
  const { code, imports } = scan(
    [
      "// import x from 'comment'",
      "/* process.env */ const a = \"import y from 'text'\";",
      "const b = `process.env ${inner(`process.on`)} `;",
      'const c = /process.env"/.test(d) ? 4 / 2 / 1 : 0;',
      'import {\n  one,\n} from "./real.ts";',
    ].join("\n"),
  );
  assert.deepEqual(imports, ["./real.ts"]);
  assert.doesNotMatch(code, /process/);
  assert.match(code, /inner\(/);
});
