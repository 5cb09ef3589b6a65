#!/usr/bin/env node
// By its default export: an old Node, which is told so below, has no `enableCompileCache` that could be named.
import module from "node:module";
import { fileURLToPath } from "node:url";
import { needNode } from "./need-node.mjs";

needNode();
// What one process has compiled the next one takes from here, and is there in half of the time. Where nothing can be
// written, nothing is kept.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/weir", import.meta.url)));
const { main } = await import("../src/main.ts");
await main();
