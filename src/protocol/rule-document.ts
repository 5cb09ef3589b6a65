import Type from "typebox";
import type { Static, TSchema } from "typebox";
import { PlainRule, RuleBody, RulePatch, RulesAnswer } from "./rules.ts";

/** The bounds of a document, bytes; the number of its rules is the rulebook's. */
export const documentBytesMax = 16 * 1024 * 1024;

const documentOf = <Rule extends TSchema>(rule: Rule) =>
  Type.Object(
    { rules: Type.Array(rule, { maxItems: 10_000, description: "by `rule_id`; each id once" }) },
    { additionalProperties: false, description: "the rules as one document" },
  );

/** All rules as people write them. Documentation: the check itself is the rulebook's own and says more. */
export const RuleDocumentBody = documentOf(RuleBody);

/** All rules as they are answered. */
export const RuleDocument = documentOf(PlainRule);

/** What the list of rules is answered with, as it was asked for. */
export const RulesOrDocument = Type.Union([RulesAnswer, RuleDocument]);

export const RulesParameters = Type.Object(
  {
    as: Type.Optional(
      Type.Enum(["list", "document"], {
        default: "list",
        description: "`document`: the rules alone, as `PUT` takes them, with an ETag",
      }),
    ),
  },
  { additionalProperties: false },
);
export type RulesParameters = Static<typeof RulesParameters>;

export const DocumentParameters = Type.Object(
  {
    delete: Type.Optional(
      Type.Boolean({ default: false, description: "delete the rules that are not in the document" }),
    ),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: "tell what would change, and change nothing" })),
  },
  { additionalProperties: false },
);
export type DocumentParameters = Static<typeof DocumentParameters>;

/** The header of a conditional change of all rules. Other headers pass. */
export const DocumentCondition = Type.Object(
  {
    "if-match": Type.Optional(
      Type.String({
        description: "the ETag of the document that the change is made from; anything else there by now refuses it",
        examples: ['"0f343b0931126a20f133d67c2b018a3b"'],
      }),
    ),
  },
  { additionalProperties: true },
);

const Ids = (description: string) => Type.Array(Type.String(), { description: `${description}, by \`rule_id\`` });

export const DocumentAnswer = Type.Object({
  created: Ids("new rules"),
  changed: Ids("rules with a new version"),
  unchanged: Ids("rules that said the same already: no new version, nothing is filled again"),
  deleted: Ids("rules that went with their windows"),
  kept: Ids("rules that are not in the document and stay, for want of `delete=true`"),
});
export type DocumentAnswer = Static<typeof DocumentAnswer>;

/** Takes up an earlier version again: its fields become those of a new version. */
const RuleRollback = Type.Object(
  { version: Type.Integer({ minimum: 1, description: "a version that is kept; no other key may stand beside it" }) },
  { additionalProperties: false, description: "the version to take up again", examples: [{ version: 3 }] },
);

/** What `PATCH` takes. */
export const RuleChange = Type.Union([RulePatch, RuleRollback]);
