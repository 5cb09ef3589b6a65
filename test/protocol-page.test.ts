import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Compile } from "typebox/compile";
import { resetReasons } from "../src/protocol/live-exact.ts";
import { ExactMessage, LiveRequest, brokenCodes, closeCodes, liveErrorCodes } from "../src/protocol/live.ts";
import { readLiveRequest } from "../src/protocol/live-request.ts";
import { Assembler } from "./support/assembler.ts";

const page = readFileSync(new URL("../docs/protocol.md", import.meta.url), "utf8");
const lines = page.split("\n");
const schema = Compile(ExactMessage);

test("the sessions of the page are what a server and a client may say, in that order", () => {
  const assembler = new Assembler();
  const said = lines.filter((line) => /^[→←] /.test(line));
  for (const line of said) {
    const text = line.slice(2);
    if (line.startsWith("→")) hear(assembler, text);
    else {
      const message: unknown = JSON.parse(text);
      assert.ok(schema.Check(message), text);
      assembler.take(message);
    }
  }
  assert.ok(said.length >= 10);
  assert.deepEqual(assembler.rows("orders"), []);
});

function hear(assembler: Assembler, text: string): void {
  const read = readLiveRequest(text);
  assert.ok(read.ok, text);
  for (const rule of read.request.subscribe_rules ?? []) {
    const place: unknown = read.request.resume?.[rule];
    if (place === undefined) assembler.subscribe(rule);
    else assert.deepEqual(assembler.resume(rule), place, text);
  }
}

test("every message, key, reason, error and code of closing is on the page", () => {
  const types = ExactMessage.anyOf.map(({ properties }) => properties.type.const);
  const names = [
    ...types,
    ...ExactMessage.anyOf.flatMap(({ properties }) => Object.keys(properties)),
    ...Object.keys(LiveRequest.properties),
    ...Object.keys(resetReasons),
    ...Object.keys(liveErrorCodes),
  ];
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`"${name}"`)),
    [],
  );
  for (const { code } of Object.values({ ...brokenCodes, ...closeCodes }))
    assert.ok(page.includes(`| ${code} |`), String(code));
});
