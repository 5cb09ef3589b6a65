/**
 * `npm run docs` writes `client/src/wire.ts` from the schemas of `src/protocol/`, so that the client's types are the server's
 * and need no package. `client/src/wire.test.ts` holds both equal.
 */
import type { TSchema } from "typebox";
import { DryRunAnswer } from "../src/protocol/dry-run.ts";
import { ErrorBody, ProblemSchema } from "../src/protocol/errors.ts";
import { EventSchema } from "../src/protocol/event.ts";
import { IngestAnswer, StatusAnswer as TokenStatus } from "../src/protocol/ingest.ts";
import { LiveDelta, LiveFinal, LiveHeartbeat, LiveReset, LiveSnapshot } from "../src/protocol/live-exact.ts";
import { LiveError, LiveRequest } from "../src/protocol/live.ts";
import { RejectRow, RejectsAnswer } from "../src/protocol/rejects.ts";
import { DocumentAnswer, RuleDocument } from "../src/protocol/rule-document.ts";
import {
  PlainRule,
  RuleAnswer,
  RuleDeleted,
  RulePatch,
  RuleVersionsAnswer,
  RulesAnswer,
} from "../src/protocol/rules.ts";
import { EventRow, EventsAnswer, StatsAnswer, StatsRow, WindowValue } from "../src/protocol/stats.ts";
import { StatusAnswer } from "../src/protocol/status.ts";
import { RebuildAnswer, VerificationAnswer } from "../src/protocol/verification.ts";

export const wireFile = new URL("../client/src/wire.ts", import.meta.url);

/** What the client calls each of them. */
const named: Readonly<Record<string, TSchema>> = {
  Problem: ProblemSchema,
  ErrorBody,
  WeirEvent: EventSchema,
  IngestAnswer,
  TokenStatus,
  WindowValue,
  StatsRow,
  StatsAnswer,
  EventRow,
  EventsAnswer,
  RejectRow,
  RejectsAnswer,
  StatusAnswer,
  Rule: PlainRule,
  RulePatch,
  RuleAnswer,
  RulesAnswer,
  RuleVersionsAnswer,
  RuleDeleted,
  RuleDocument,
  DocumentAnswer,
  DryRunAnswer,
  VerificationAnswer,
  RebuildAnswer,
  LiveRequest,
  LiveSnapshot,
  LiveDelta,
  LiveFinal,
  LiveHeartbeat,
  LiveReset,
  LiveError,
};

/** As much of JSON Schema as the schemas of the wire use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

const head = `// Made by \`npm run docs\` from the schemas of the server: don't edit. More keys may come with later versions.\n`;

/** The text of \`client/src/wire.ts\`, before it is formatted. */
export function wireTypes(): string {
  const names = new Map(Object.entries(named).map(([name, schema]) => [sameness(schema), name]));
  const types = Object.entries(named).map(([name, schema]) => {
    const text = typeOf(schema, new Map([...names].filter(([, other]) => other !== name)));
    return `${comment((schema as Schema).description)}export ${declaration(name, text)}`;
  });
  return [head, ...types].join("\n");
}

const declaration = (name: string, text: string): string =>
  text.startsWith("{") && text.endsWith("}") ? `interface ${name} ${text}\n` : `type ${name} = ${text};\n`;

/** What two schemas have in common that stand for the same type, whatever is said of them. */
const sameness = (schema: object): string =>
  JSON.stringify(schema, (key, value: unknown) => (key === "description" || key === "examples" ? undefined : value));

type Names = ReadonlyMap<string, string>;

function typeOf(schema: Schema, names: Names): string {
  const name = schema.type === "object" || schema.anyOf ? names.get(sameness(schema)) : undefined;
  if (name !== undefined) return name;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map((one) => typeOf(one, names)))].join(" | ");
  const { type = "" } = schema;
  switch (type) {
    case "object":
      return objectOf(schema, names);
    case "array":
      return `readonly ${inBrackets(typeOf(schema.items ?? {}, names))}[]`;
    case "integer":
      return "number";
    case "string":
    case "number":
    case "boolean":
    case "null":
      return type;
    default:
      return "unknown";
  }
}

const inBrackets = (text: string): string => (/^[\w"]+$|^\{[^]*\}$/.test(text) ? text : `(${text})`);

function objectOf(schema: Schema, names: Names): string {
  const properties = Object.entries(schema.properties ?? {});
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values) return `Readonly<Record<string, ${typeOf(values, names)}>>`;
  if (properties.length === 0) return "Readonly<Record<string, unknown>>";
  const lines = properties.map(([key, property]) => {
    const mark = schema.required?.includes(key) ? "" : "?";
    return `${comment(property.description)}readonly ${JSON.stringify(key)}${mark}: ${typeOf(property, names)};`;
  });
  return `{\n${[...lines, ...others(schema, names)].join("\n")}\n}`;
}

/** Keys of any name, as the groups of a row: of whatever type one may have. */
function others({ properties = {}, additionalProperties, required }: Schema, names: Names): string[] {
  if (typeof additionalProperties !== "object") return [];
  const parts = [...Object.values(properties), additionalProperties].flatMap(({ anyOf, ...one }) => anyOf ?? [one]);
  const types = parts.map((one) => typeOf(one, names)).filter((type) => type !== "true");
  const missing = Object.keys(properties).some((key) => !required?.includes(key)) ? ["undefined"] : [];
  return [`readonly [key: string]: ${[...new Set([...types, ...missing])].toSorted().join(" | ")};`];
}

const comment = (text: string | undefined): string =>
  text === undefined ? "" : `/** ${text.replaceAll("*/", "* /")} */\n`;
