import { useState } from "react";
import type { WeirError } from "../../../client/src/weir.ts";
import { Failure } from "../parts/states.tsx";
import { csvUrl, http } from "../server.ts";
import { toWeirError } from "../use-polled.ts";
import { csvPart, partText } from "./csv.ts";
import type { CsvPart } from "./csv.ts";

export interface CsvFile {
  /** What was saved last. */
  readonly part: CsvPart | undefined;
  readonly isMaking: boolean;
  readonly error: WeirError | undefined;
  /** Saves what lies behind `before`, or the newest windows. */
  readonly save: (before?: CsvPart) => void;
  /** What was refused, once more. */
  readonly again: () => void;
}

type Saving = Pick<CsvFile, "part" | "isMaking" | "error"> & { readonly before?: CsvPart | undefined };

/** The windows of a rule as files. */
export function useCsvFile(ruleId: string): CsvFile {
  const [saving, setSaving] = useState<Saving>({ part: undefined, isMaking: false, error: undefined });
  const ask = async (before: CsvPart | undefined): Promise<void> => {
    setSaving({ part: before, isMaking: true, error: undefined });
    try {
      // Too large to be kept in the page's state.
      const { file, ...part } = await csvPart(http, ruleId, before);
      download(part.name, file);
      setSaving({ part, isMaking: false, error: undefined });
    } catch (error) {
      setSaving({ part: before, isMaking: false, error: toWeirError(error), before });
    }
  };
  const save = (before?: CsvPart): void => {
    if (!saving.isMaking) void ask(before);
  };
  return { ...saving, save, again: () => save(saving.before) };
}

/** A link, so that its address can be taken along. */
export const CsvLink = ({ ruleId, csv }: { readonly ruleId: string; readonly csv: CsvFile }) => (
  <a
    className="button"
    href={csvUrl(ruleId)}
    download={`${ruleId}.csv`}
    aria-disabled={csv.isMaking}
    onClick={(event) => (event.preventDefault(), csv.save())}
  >
    CSV
  </a>
);

/** What is to be said of the file, and the way to the rows that are not in it. */
export function CsvSaid({ csv: { part, isMaking, error, save, again } }: { readonly csv: CsvFile }) {
  if (error !== undefined) return <Failure error={error} again={again} />;
  const text = isMaking ? "The file is being made." : part && partText(part);
  return (
    <p className={text === undefined ? "unseen" : "notice"} role="status">
      {text}
      {!isMaking && part?.cursor !== undefined && (
        <>
          {" "}
          <button type="button" onClick={() => save(part)}>
            Save older rows
          </button>
        </>
      )}
    </p>
  );
}

/** A browser reads a file some time after it was told to save it. */
const readMs = 60_000;

function download(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), readMs);
}
