// Plain JavaScript that any Node can read, so that an old one ends with a clear line instead of a syntax error.

// Before 24.20 half of a zstd body is taken for the whole, and before 24.16 answers that wait outlive their connection.
const needed = [24, 20];
/** Its releases have both faults. */
const older = 25;

/** Whether a Node of this version runs TypeScript as it is and has a whole `node:sqlite`. */
export function isEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major !== older && (major > needed[0] || (major === needed[0] && minor >= needed[1]));
}

/** Ends the process with one line when this Node is not enough. */
export function needNode() {
  if (isEnough(process.versions.node)) return;
  process.stderr.write(
    `Weir needs Node ${needed.join(".")} or newer, and not ${older}; this is ${process.versions.node}. ` +
      "On Linux `npm ci` installs one that `npm start` and `npm test` use; elsewhere install it from nodejs.org.\n",
  );
  process.exit(2);
}
