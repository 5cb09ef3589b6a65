// Runs after every install, on whatever Node npm has. Makes sure that `node_modules/.bin/node` is the Node 24 of the
// platform package: npm 10 removes that link again while it discards the package of the other processor, which has a
// program of the same name.
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const program = `../node-${process.platform}-${process.arch}/bin/node`;
const link = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
const there = fileURLToPath(new URL(`../node_modules/.bin/${program}`, import.meta.url));

if (existsSync(there) && !existsSync(link)) {
  rmSync(link, { force: true });
  symlinkSync(program, link);
}
