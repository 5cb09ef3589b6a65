import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { WeirError } from "../lib/errors.ts";
import { createLogger } from "./logger.ts";
import type { Logger, LoggerOptions } from "./logger.ts";

function lines(options: Partial<LoggerOptions>, write: (logger: Logger) => void): string[] {
  const written: string[] = [];
  const destination = { write: (text: string) => void written.push(text) };
  write(createLogger({ level: "info", format: "auto", terminal: false, destination, ...options }));
  return written;
}

test("writes one JSON object a line, with the level by name and the time in UTC", () => {
  const [line = ""] = lines({}, (logger) => logger.info({ port: 8000 }, "listening"));
  const parsed: unknown = JSON.parse(line);
  assert.ok(line.endsWith("\n") && typeof parsed === "object" && parsed !== null && "time" in parsed);
  assert.match(String(parsed.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual({ ...parsed, time: "" }, { level: "info", time: "", port: 8000, msg: "listening" });
});

test("errors keep code, stack and causes, and lose the details, which quote what was sent", () => {
  const cause = Object.assign(new Error("no space"), { code: "ENOSPC" });
  const error = new WeirError("log_failed", "can't write", { cause, details: { payload: "private" } });
  const [line = ""] = lines({}, (logger) => logger.error({ err: error }, "append failed"));
  assert.match(line, /"code":"log_failed"/);
  assert.match(line, /"code":"ENOSPC"/);
  assert.match(line, /logger\.test\.ts/);
  assert.doesNotMatch(line, /private/);
});

/** As by a real stream, which pretty lines go through. */
async function piped(options: Partial<LoggerOptions>, write: (logger: Logger) => void): Promise<string> {
  const destination = new PassThrough({ encoding: "utf8" });
  lines({ ...options, destination }, write);
  const [text] = (await once(destination, "data")) as [string];
  return text;
}

test("a log that people read along is a line of plain text, and JSON where it is asked for or nobody reads along", async () => {
  const isJson = async (options: Partial<LoggerOptions>): Promise<boolean> => {
    const line = await piped(options, (logger) => logger.warn({ part: "store" }, "waiting"));
    assert.match(line, /waiting/);
    return line.startsWith("{");
  };
  for (const [format, terminal, json] of [
    ["auto", true, false],
    ["auto", false, true],
    ["pretty", false, false],
    ["pretty", true, false],
    ["json", true, true],
    ["json", false, true],
  ] as const)
    assert.equal(await isJson({ format, terminal }), json, `${format}, terminal: ${terminal}`);
});

test("on a terminal a line has its time of day, level and facts in colours; in a file no colours", async () => {
  const line = (terminal: boolean): Promise<string> =>
    piped({ format: "pretty", terminal }, (logger) => logger.warn({ part: "store" }, "waiting"));
  assert.match(await line(false), /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: waiting\n +part: "store"\n$/);
  assert.ok((await line(true)).includes("\u001b["));
});

test("stays below the level", () => {
  assert.deepEqual(
    lines({ level: "warn" }, (logger) => logger.info("x")),
    [],
  );
});
