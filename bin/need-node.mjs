// Plain JavaScript that any Node can read, so that an old one ends with a clear line instead of a syntax error.

// Before 24.20 half of a zstd body is taken for the whole, and before 24.16 answers that wait outlive their connection.
const needed = [24, 20];
/** Its releases have both faults. */
const older = 25;

/** Ends the process with one line when this Node is too old to run TypeScript as it is and `node:sqlite`. */
export function needNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major !== older && (major > needed[0] || (major === needed[0] && minor >= needed[1]))) return;
  process.stderr.write(
    `Weir needs Node ${needed.join(".")} or newer, and not ${older}; this is ${process.versions.node}. ` +
      "On Linux `npm ci` installs one that `npm start` and `npm test` use; elsewhere install it from nodejs.org.\n",
  );
  process.exit(2);
}
