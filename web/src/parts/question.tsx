import { useId, useLayoutEffect, useRef } from "react";
import type { ReactNode } from "react";

interface QuestionProps {
  readonly title: string;
  readonly yes: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly children: ReactNode;
}

/** Asked before what can't be taken back. Escape is no; the keyboard stays in it, and goes back to where it was. */
export function Question({ title, yes, onYes, onNo, children }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // While it is still in the page: a dialog that is closed behind that gives the keyboard back to nobody.
  useLayoutEffect(() => {
    const own = dialog.current;
    own?.showModal();
    return () => own?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={onNo}>
      <h2 id={heading}>{title}</h2>
      <p>{children}</p>
      <div className="actions">
        <button type="button" onClick={onNo}>
          No, keep it
        </button>
        <button type="button" className="danger" onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
