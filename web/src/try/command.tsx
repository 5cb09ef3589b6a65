import { useState } from "react";
import { curlCommand, isOfFile } from "./curl.ts";

interface CommandProps {
  readonly ingestUrl: string;
  readonly body: string;
  readonly counted: boolean;
}

/** What does the same in a terminal. */
export function Command({ ingestUrl, body, counted }: CommandProps) {
  const [said, setSaid] = useState("");
  const command = curlCommand(ingestUrl, body, counted);
  const copy = (): void => {
    // Browsers give pages without TLS no clipboard, but on this machine.
    if (navigator.clipboard === undefined)
      return setSaid("Select it: this browser lets pages without TLS copy nothing.");
    navigator.clipboard.writeText(command).then(
      () => setSaid("Copied"),
      () => setSaid("The browser did not allow it"),
    );
  };
  return (
    <section className="card">
      <h2>The same with curl</h2>
      {isOfFile(body) && <p className="hint">The events are too many to stand in it: put them into events.json.</p>}
      <pre className="command" tabIndex={0} aria-label="Command">
        {command}
      </pre>
      <div className="actions">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span role="status" className="hint">
          {said}
        </span>
      </div>
    </section>
  );
}
