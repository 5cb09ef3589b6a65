import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import type { Rule, RuleAnswer } from "../../../client/src/wire.ts";
import type { IfMatch, WeirError } from "../../../client/src/weir.ts";
import { Empty, Failure, Loading, PageHead } from "../parts/states.tsx";
import { hrefOf } from "../route.ts";
import { weir } from "../server.ts";
import { toWeirError, usePolled } from "../use-polled.ts";
import { draftOf, isSame, newDraft, ruleOf } from "./draft.ts";
import { Fields } from "./fields.tsx";
import { forgetDraft, isOvertaken, useKeptDraft } from "./kept-draft.ts";
import type { Kept } from "./kept-draft.ts";
import { MoreFields } from "./more-fields.tsx";
import { OtherDraftOffer } from "./other-draft.tsx";
import { Overtaken } from "./overtaken.tsx";
import { PreviewCard } from "./preview.tsx";
import { noProblems, problemsOf } from "./problems.ts";
import { isStored, save } from "./saving.ts";
import { usePreview } from "./use-preview.ts";
import type { Preview } from "./use-preview.ts";
import { isField, mainFields, moreFields } from "./words.ts";

/**
 * Makes a rule, or changes the one that is named. The heading is one from the beginning on: it has the keyboard, and another
 * in its place would not.
 */
export function RuleForm({ ruleId }: { readonly ruleId?: string }) {
  return (
    <>
      <PageHead title={ruleId === undefined ? "New rule" : `Edit ${ruleId}`} />
      {ruleId === undefined ? <Form first={{ draft: newDraft, version: undefined }} /> : <Edit ruleId={ruleId} />}
    </>
  );
}

function Edit({ ruleId }: { readonly ruleId: string }) {
  const { value, error, again } = usePolled(`edit ${ruleId}`, 3000, (signal) => weir.rules.get(ruleId, { signal }));
  const isGone = error?.code === "unknown_rule";
  if (value) return <Form rule={value} first={firstOf(value)} isGone={isGone} lookAgain={again} />;
  if (error === undefined) return <Loading what="the rule" lines={6} />;
  if (!isGone) return <Failure error={error} again={again} />;
  return (
    <Empty title="There is no such rule">
      It may have been deleted. <a href={hrefOf({ page: "rules" })}>All rules</a>
    </Empty>
  );
}

function firstOf(rule: RuleAnswer): Kept {
  const draft = draftOf(rule);
  return { draft, version: rule.version, changedAt: rule.changed_at, base: draft };
}

/** The version that is changed; of what an older dashboard has kept it may not be known when that was made. */
function seenOf({ version, changedAt }: Kept): IfMatch {
  if (version === undefined) return {};
  return { ifMatch: changedAt === undefined ? version : { version, changed_at: changedAt } };
}

interface FormProps {
  readonly rule?: RuleAnswer;
  readonly first: Kept;
  /** It was deleted while it was being changed. */
  readonly isGone?: boolean;
  /** Asks for the rule at once. */
  readonly lookAgain?: () => void;
}

function Form({ rule, first, isGone = false, lookAgain }: FormProps) {
  const kept = useKeptDraft(rule?.rule_id, first);
  const { draft, isRestored, change, startOver, goOnFrom, goOnTopOf } = kept;
  // What the server has stopped was not paused by anybody: changed, it is tried again.
  const active = (rule?.active ?? true) || rule?.stopped_because !== undefined;
  const preview = usePreview(ruleOf(draft, active));
  const [failure, setFailure] = useState<WeirError>();
  const [isSaving, setSaving] = useState(false);
  // That nobody answered when it was to be saved hides no mistake that is found later.
  const told = [failure, preview.error].find((error) => error?.status === 422);
  const problems = told === undefined ? noProblems : problemsOf(told, isField);
  const isWrong = preview.error?.status === 422;
  const said = { draft, active, canonical: canonicalOf(preview) };
  const isNewer = isOvertaken(kept, first);
  // Most likely it was saved here, and the answer got lost.
  const isAsSaid = isNewer && rule !== undefined && isStored(rule, said);
  useEffect(() => {
    if (isAsSaid) goOnFrom(first);
  }, [isAsSaid, first.version, first.changedAt]);
  const edit: typeof change = (next) => {
    setFailure(undefined);
    change(next);
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isSaving) return;
    setSaving(true);
    setFailure(undefined);
    try {
      const condition = rule === undefined || isGone ? { ifNew: true } : seenOf(kept);
      const saved = await save(weir.rules, said, condition);
      forgetDraft(rule?.rule_id);
      location.assign(hrefOf({ page: "rule", ruleId: saved.rule_id }));
    } catch (error) {
      setFailure(toWeirError(error));
      setSaving(false);
      lookAgain?.();
    }
  };
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (failure?.status === 422) focusWrong(form.current);
  }, [failure]);
  return (
    <div className="form-and-preview">
      <form ref={form} className="card" onSubmit={(event) => void submit(event)} noValidate>
        {isRestored && !isSame(draft, first.draft) && <Restored startOver={() => startOver(first)} />}
        {rule === undefined && isSame(draft, first.draft) && <OtherDraftOffer goOn={edit} />}
        {isGone && (
          <p className="notice notice-warn" role="status">
            Somebody has deleted this rule. Saved, it is made again as it stands here.
          </p>
        )}
        {isNewer && !isAsSaid && !isGone && (
          <Overtaken
            typed={kept}
            now={first}
            goOn={(base) => (setFailure(undefined), goOnTopOf(first, base))}
            startOver={() => (setFailure(undefined), startOver(first))}
          />
        )}
        <div className="fields">
          <Fields
            fields={mainFields}
            draft={draft}
            problems={problems}
            change={edit}
            isReadOnly={isSaving}
            {...(rule !== undefined && { locked: "rule_id" })}
          />
        </div>
        <MoreFields
          isFilled={moreFields.some(({ name }) => draft[name] !== "")}
          isWrong={moreFields.some(({ name }) => problems.fields.has(name))}
        >
          <Fields fields={moreFields} draft={draft} problems={problems} change={edit} isReadOnly={isSaving} />
        </MoreFields>
        {problems.others.map((text) => (
          <p key={text} className="notice notice-warn">
            {text}
          </p>
        ))}
        {failure && failure.status !== 422 && <NotSaved error={failure} />}
        <div className="actions">
          {/* Disabled, it would lose the keyboard. */}
          <button type="submit" className="primary" aria-disabled={isSaving}>
            {isSaving ? "Saving" : rule === undefined || isGone ? "Save the rule" : "Save as a new version"}
          </button>
          <a
            className="button"
            href={rule ? hrefOf({ page: "rule", ruleId: rule.rule_id }) : hrefOf({ page: "rules" })}
          >
            Back
          </a>
        </div>
        <p className="hint">What you type is kept in this browser until it is saved.</p>
      </form>
      <PreviewCard preview={preview} isWrong={isWrong} />
    </div>
  );
}

/** Leads to the first mistake, also where it is among the fields that are closed. */
function focusWrong(form: HTMLFormElement | null): void {
  const field = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

/** As the server has written the rule that the form says now. */
const canonicalOf = ({ answer, error, isAsking }: Preview): Rule | undefined =>
  isAsking || error !== undefined ? undefined : answer?.rule;

function Restored({ startOver }: { readonly startOver: () => void }) {
  return (
    <p className="notice" role="status">
      This is what you typed before.{" "}
      <button type="button" className="link" onClick={startOver}>
        Start over
      </button>
    </p>
  );
}

function NotSaved({ error }: { readonly error: WeirError }) {
  const isTaken = error.code === "version_conflict";
  return (
    <div className="failure" role="alert">
      <strong>Not saved</strong>
      <p>{error.message}</p>
      <p>What you typed is kept{isTaken ? "." : ": save again once the server answers."}</p>
    </div>
  );
}
