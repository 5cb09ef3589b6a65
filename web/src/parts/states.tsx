import type { ReactNode } from "react";
import type { WeirError } from "../../../client/src/weir.ts";

/** Where there is nothing yet: says what to do next. */
export function Empty({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="empty">
      <h2>{title}</h2>
      <div>{children}</div>
    </section>
  );
}

/** As large as what is to come, so that nothing jumps. */
export function Loading({ lines = 3, what }: { readonly lines?: number; readonly what: string }) {
  return (
    <div className="loading" aria-busy="true">
      <span className="unseen">Loading {what}</span>
      {Array.from({ length: lines }, (_, index) => (
        <i key={index} aria-hidden="true" />
      ))}
    </div>
  );
}

function whatFailed({ code, status }: WeirError): string {
  if (code === "no_answer") return "The server does not answer";
  // Asked again, it would be refused again.
  return status === 400 ? "The server can't take this" : "The server can't answer this now";
}

/** What the server refused, in its own words. That nobody answers is told by the bar above all pages. */
export function Failure({ error, again }: { readonly error: WeirError; readonly again?: () => void }) {
  return (
    <div className="failure" role="alert">
      <strong>{whatFailed(error)}</strong>
      <p>{error.message}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

interface RefusalProps {
  readonly error: WeirError | undefined;
  readonly again: () => void;
}

/** Above what is of before, why nothing newer comes. */
export const Refusal = ({ error, again }: RefusalProps) =>
  error !== undefined && error.code !== "no_answer" && <Failure error={error} again={again} />;

/** The first thing of a page: where one is, and what can be done here. */
export function PageHead({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

export function Figure(figure: {
  readonly name: string;
  readonly value: string;
  readonly note?: string | undefined;
  readonly tone?: "warn" | "plain";
}) {
  return (
    <div className={`figure figure-${figure.tone ?? "plain"}`}>
      <dt>{figure.name}</dt>
      <dd>
        <b>{figure.value}</b>
        {figure.note !== undefined && <small>{figure.note}</small>}
      </dd>
    </div>
  );
}
