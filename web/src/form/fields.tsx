import { useId } from "react";
import type { Draft, FieldName } from "./draft.ts";
import { placeIn } from "./problems.ts";
import type { FieldProblem, Problems } from "./problems.ts";

/** What a field is, for people. */
export interface FieldWords {
  readonly name: FieldName;
  readonly label: string;
  readonly hint: string;
  readonly example?: string;
  readonly kind?: "expression" | "choice";
  readonly choices?: readonly string[];
}

export interface FieldsProps {
  readonly fields: readonly FieldWords[];
  readonly draft: Draft;
  readonly problems: Problems;
  readonly locked?: FieldName;
  /** While they are saved. */
  readonly isReadOnly: boolean;
  readonly change: (draft: Draft) => void;
}

export function Fields({ fields, draft, problems, locked, isReadOnly, change }: FieldsProps) {
  return fields.map((words) => (
    <Field
      key={words.name}
      words={words}
      value={draft[words.name]}
      problems={problems.fields.get(words.name) ?? []}
      isLocked={isReadOnly || words.name === locked}
      change={(value) => change({ ...draft, [words.name]: value })}
    />
  ));
}

interface FieldProps {
  readonly words: FieldWords;
  readonly value: string;
  readonly problems: readonly FieldProblem[];
  readonly isLocked: boolean;
  readonly change: (value: string) => void;
}

function Field({ words, value, problems, isLocked, change }: FieldProps) {
  const id = useId();
  const isWrong = problems.length > 0;
  const common = {
    id,
    name: words.name,
    value,
    readOnly: isLocked,
    spellCheck: false,
    autoComplete: "off",
    "aria-invalid": isWrong,
    "aria-describedby": `${id}-hint${isWrong ? ` ${id}-wrong` : ""}`,
    onChange: (event: { readonly target: { readonly value: string } }) => change(event.target.value),
  };
  return (
    <div className={`field field-${words.kind ?? "text"} field-${words.name}`}>
      <label htmlFor={id}>{words.label}</label>
      <Control words={words} common={common} />
      <small id={`${id}-hint`}>{words.hint}</small>
      {isWrong && (
        <div id={`${id}-wrong`} className="wrong">
          {problems.map((problem) => (
            <Wrong key={problem.message} problem={problem} text={value} />
          ))}
        </div>
      )}
    </div>
  );
}

function Control({
  words,
  common,
}: {
  readonly words: FieldWords;
  readonly common: Readonly<Record<string, unknown>> & { readonly id: string; readonly readOnly: boolean };
}) {
  const { kind, choices = [], example } = words;
  if (kind === "expression") return <textarea {...common} rows={2} placeholder={example} />;
  if (kind === "choice")
    return (
      // It knows no "read only".
      <select {...common} disabled={common.readOnly}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice === "" ? "as usual" : choice}
          </option>
        ))}
      </select>
    );
  const list = choices.length > 0 ? `${common.id}-list` : undefined;
  return (
    <>
      <input {...common} type="text" placeholder={example} list={list} />
      {list && (
        <datalist id={list}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** A mistake; where the server names a column, its line with a mark below the place. */
function Wrong({ problem: { message, column }, text }: { readonly problem: FieldProblem; readonly text: string }) {
  if (column === undefined) return <p>{message}</p>;
  const { before, behind } = placeIn(text.trim(), column);
  return (
    <>
      <pre aria-hidden="true">
        {before + behind}
        {"\n"}
        {/* Itself, as a tab and many a character are not as wide as a space. */}
        <span className="blank">{before}</span>↑
      </pre>
      <p>
        Column {column}: {message}
      </p>
    </>
  );
}
