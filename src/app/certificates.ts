import { readFileSync } from "node:fs";
import { messageOf, WeirError } from "../lib/errors.ts";

/**
 * The certificates in a file that an option names.
 * @throws WeirError `invalid_config` when it can't be read, or has none.
 */
export function certificatesIn(option: string, file: string): Buffer {
  const found = read(option, file);
  if (found.includes("-----BEGIN CERTIFICATE-----")) return found;
  throw new WeirError("invalid_config", `${option} = ${file} has no certificate in PEM form in it`);
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = messageOf(error);
    throw new WeirError("invalid_config", `${option} = ${file} can't be read: ${reason}`, { cause: error });
  }
}
