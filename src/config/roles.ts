import type { Problem } from "../lib/errors.ts";
import { roleNames } from "./options.ts";
import type { Config, Role } from "./options.ts";

export const hasRole = ({ roles }: Pick<Config, "roles">, ...wanted: readonly Role[]): boolean =>
  wanted.some((role) => roles.includes(role));

export const hasAllRoles = ({ roles }: Pick<Config, "roles">): boolean =>
  roleNames.every((role) => roles.includes(role));

/** What roles that are in processes of their own share with the others, and so can't have embedded. */
export function roleProblems(config: Config, path: string): readonly Problem[] {
  const value = config.roles.join(",");
  if (config.roles.length === 0)
    return [{ path, message: `expected one role or more of ${roleNames.join(", ")}`, value }];
  if (hasAllRoles(config)) return [];
  const given = `without the other roles in the same process, ${value} needs`;
  const lacks: readonly (readonly [isLacking: boolean, what: string])[] = [
    [config.kafkaBrokers.length === 0, "--kafka-brokers host:port,… (the log that the processes share)"],
    [
      storesAndRules(config) && config.clickhouseUrl === null,
      "--clickhouse-url http://host:8123 (the store that they share)",
    ],
    [
      storesAndRules(config) && config.mongoUrl === null,
      "--mongo-url mongodb://host/database (the place of the rules that they share)",
    ],
  ];
  return lacks.filter(([isLacking]) => isLacking).map(([, what]) => ({ path, message: `${given} ${what}`, value }));
}

const storesAndRules = (config: Config): boolean => hasRole(config, "processor", "query");
