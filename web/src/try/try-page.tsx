import { useState } from "react";
import { keepText, keptText } from "../kept.ts";
import { Empty, PageHead } from "../parts/states.tsx";
import { about, ingestUrlOf, sendEvents } from "../server.ts";
import type { Sent } from "../server.ts";
import { usePolled } from "../use-polled.ts";
import { durationText } from "../words/format.ts";
import { Command } from "./command.tsx";
import { eventsText, shopEvents } from "./generate.ts";

const key = "weir.try";
const example =
  '[{"event_id":"o-1","user_id":"ann","event_type":"order","timestamp":"2026-01-13T10:00:00Z","payload":{"price":19.5}}]';

/** Events by hand: generated or pasted, with the server's answer and the command that does the same. */
export function TryPage() {
  const { value: facts } = usePolled("about", 0, about);
  const [text, write] = useKeptText(key);
  const [isCounted, setCounted] = useState(true);
  const [answer, setAnswer] = useState<Sent | string>();
  const [isSending, setSending] = useState(false);
  // What somebody has written by hand can be had back.
  const [made, setMade] = useKeptText(`${key}.made`);
  const [replaced, setReplaced] = useKeptText(`${key}.replaced`);
  const generate = (count: number): void => {
    const next = eventsText(shopEvents({ count, now: Date.now(), spreadMs: count * 3000, random: Math.random }));
    if (text.trim() !== "" && text !== made) setReplaced(text);
    setMade(next);
    write(next);
  };
  const putBack = (): void => {
    write(replaced);
    setReplaced("");
  };
  const send = async (): Promise<void> => {
    if (isSending) return;
    setSending(true);
    setAnswer(await sendEvents(text, isCounted).catch(whyNot));
    setSending(false);
  };
  if (facts?.ingest_port === null)
    return (
      <>
        <PageHead title="Try it" />
        <Empty title="This process takes no events">
          Send them to one with the role <code>ingest</code>; rules and events show up here all the same.
        </Empty>
      </>
    );
  return (
    <>
      <PageHead title="Try it" />
      <div className="try">
        <section className="card">
          <h2>Events</h2>
          <div className="actions">
            <button type="button" onClick={() => generate(5)}>
              Generate 5
            </button>
            <button type="button" onClick={() => generate(200)}>
              Generate 200
            </button>
            {replaced !== "" && (
              <button type="button" className="link" onClick={putBack}>
                Put back what was here
              </button>
            )}
          </div>
          <label className="field field-expression">
            <span>A JSON list of events, or one</span>
            <textarea
              rows={12}
              value={text}
              spellCheck={false}
              placeholder={example}
              onChange={(event) => write(event.target.value)}
            />
          </label>
          <label className="check">
            <input type="checkbox" checked={isCounted} onChange={(event) => setCounted(event.target.checked)} />
            <span>
              Answer when they are counted in every rule (<code>wait=counted</code>)
            </span>
          </label>
          <div className="actions">
            <button
              type="button"
              className="primary"
              disabled={text.trim() === ""}
              // Disabled, it would lose the keyboard.
              aria-disabled={isSending}
              onClick={() => void send()}
            >
              {isSending ? "Sending" : "Send"}
            </button>
          </div>
        </section>
        <div>
          <AnswerCard answer={answer} />
          {facts && (
            <Command ingestUrl={ingestUrlOf(facts)} body={text.trim() === "" ? example : text} counted={isCounted} />
          )}
        </div>
      </div>
    </>
  );
}

/** A text that the browser keeps when the page is left. */
function useKeptText(name: string): [text: string, write: (text: string) => void] {
  const [text, setText] = useState(() => keptText(name) ?? "");
  const write = (next: string): void => {
    keepText(name, next);
    setText(next);
  };
  return [text, write];
}

const whyNot = (error: unknown): string =>
  error instanceof Error && error.name === "TimeoutError"
    ? "It took too long. They may have arrived, and be counted later."
    : "No answer came; it may be that none of them has arrived.";

function AnswerCard({ answer }: { readonly answer: Sent | string | undefined }) {
  return (
    <section className="card" aria-live="polite">
      <h2>Answer</h2>
      {answer === undefined ? (
        <p className="hint">Generate a few events and send them: the answer of the server stands here.</p>
      ) : typeof answer === "string" ? (
        <div className="failure">
          <strong>The server does not answer</strong>
          <p>{answer}</p>
          <p>The events are still in the field: send them again. Repeated ids are counted once.</p>
        </div>
      ) : (
        <>
          <p>
            <span className={`pill ${answer.ok ? "pill-live" : "pill-bad"}`}>{answer.status}</span> after{" "}
            {durationText(answer.ms)}
          </p>
          <pre tabIndex={0} aria-label="Answer of the server">
            {pretty(answer.text)}
          </pre>
          {answer.ok && (
            <p>
              <a href="#/events">See them among the events</a>, or <a href="#/rules">in the rules</a>.
            </p>
          )}
        </>
      )}
    </section>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
