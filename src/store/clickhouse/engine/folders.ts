import { join } from "node:path";

/** What the engine has in a data folder. */
export const engineFolders = (
  dataDir: string,
): { readonly data: string; readonly spool: string; readonly configFile: string } => ({
  data: join(dataDir, "engine"),
  spool: join(dataDir, "engine-work"),
  configFile: join(dataDir, "engine.xml"),
});
