import assert from "node:assert/strict";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { test } from "node:test";
import { Link } from "./link.ts";

test("a thread of the log has nothing of the environment but where it finds what was compiled before", async () => {
  // As bin/weir.mjs does.
  enableCompileCache();
  const script = new URL(
    "data:text/javascript,import { parentPort as port } from 'node:worker_threads'; port.postMessage(process.env); port.once('message', () => {});",
  );
  const environment = await new Promise((resolve, reject) => {
    const link = new Link<"end", object>({
      ...{ script, workerData: {} },
      heard: (env) => void link.end("end").then(() => resolve(env), reject),
      died: (reason) => reject(new Error(reason)),
    });
  });
  assert.deepEqual(environment, { NODE_COMPILE_CACHE: dirname(getCompileCacheDir()!) });
});
