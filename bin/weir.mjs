#!/usr/bin/env node
import { needNode } from "./need-node.mjs";

needNode();
const { main } = await import("../src/main.ts");
await main();
