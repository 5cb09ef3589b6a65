import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../lib/errors.ts";
import { createLogger } from "./logger.ts";
import type { LoggerOptions } from "./logger.ts";

function lines(options: Partial<LoggerOptions>, write: (logger: ReturnType<typeof createLogger>) => void): string[] {
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

test("stays below the level", () => {
  assert.deepEqual(
    lines({ level: "warn" }, (logger) => logger.info("x")),
    [],
  );
});
