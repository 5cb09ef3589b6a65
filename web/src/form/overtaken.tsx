import { clashesOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Kept } from "./kept-draft.ts";
import { labelOf } from "./words.ts";

interface OvertakenProps {
  readonly typed: Kept;
  /** What others have made of the rule. */
  readonly now: Kept;
  readonly goOn: (base: Draft) => void;
  readonly startOver: () => void;
}

/** Says that somebody else has changed the rule, and what of theirs would be lost to what was typed. */
export function Overtaken({ typed: { draft, version, base }, now, goOn, startOver }: OvertakenProps) {
  const clashes = base === undefined ? [] : clashesOf(now.draft, draft, base);
  return (
    <div className="notice notice-warn" role="status">
      {version === now.version
        ? "Somebody has deleted this rule and made another of its name."
        : `Somebody has changed this rule: you edit version ${version}, it is at ${now.version}.`}{" "}
      It can't be saved over theirs.{" "}
      {base !== undefined && (
        <>
          <button type="button" className="link" onClick={() => goOn(base)}>
            Put the fields that you changed on version {now.version}
          </button>{" "}
          or{" "}
        </>
      )}
      <button type="button" className="link" onClick={startOver}>
        {base === undefined ? "Start" : "start"} over from it
      </button>
      .
      {clashes.map((name) => (
        <p key={name} className="clash">
          {labelOf(name)}: you both have changed it, and yours would replace theirs, which is{" "}
          {now.draft[name] === "" ? "empty" : <code>{now.draft[name]}</code>}.
        </p>
      ))}
    </div>
  );
}
