import { useState } from "react";
import type { Draft } from "./draft.ts";
import { forgetOther, newestOther, takeOver } from "./kept-draft.ts";

/**
 * Offers what was begun in another tab. It is not simply taken: whether that tab is open still nobody can tell, and its draft
 * is what a reload would bring back there.
 */
export function OtherDraftOffer({ goOn }: { readonly goOn: (draft: Draft) => void }) {
  const [other, setOther] = useState(newestOther);
  if (other === undefined) return null;
  const name = other.draft.rule_id.trim();
  return (
    <p className="notice" role="status">
      A new rule{name !== "" && <> “{name}”</>} was begun in another tab.{" "}
      <button type="button" className="link" onClick={() => goOn(takeOver(other))}>
        Go on with it here
      </button>{" "}
      <button type="button" className="link" onClick={() => (forgetOther(other), setOther(newestOther()))}>
        Throw it away
      </button>
    </p>
  );
}
