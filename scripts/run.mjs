// `node scripts/run.mjs scripts/test.ts …` runs a TypeScript program, or says clearly that this Node can't.
import { pathToFileURL } from "node:url";
import { needNode } from "../bin/need-node.mjs";

needNode();
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1]).href);
