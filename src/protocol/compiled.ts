import type { Static, TSchema } from "typebox";
import { Validator } from "typebox/schema";
import { Settings } from "typebox/system";

// All mistakes of a request are told at once; of one that is nothing else, this many. Typebox ends at eight.
Settings.Set({ maxErrors: 100 });

/**
 * A schema's check, compiled when it is first asked for: a server has thirty, and few of them are used in a short life.
 * By `typebox/schema`, as `typebox/compile` loads all that typebox can do.
 */
export function compiledOnce<T extends TSchema>(schema: T): () => Validator<T, Static<T>> {
  let compiled: Validator<T, Static<T>> | undefined;
  return () => (compiled ??= new Validator({}, schema));
}
