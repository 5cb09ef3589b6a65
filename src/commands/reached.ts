import { messageOf } from "../lib/errors.ts";
import { CommandError } from "./rule-files.ts";

/** What speaks to a server at an address that somebody gave. @throws CommandError for what is no address */
export function reached<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new CommandError(messageOf(error));
  }
}
