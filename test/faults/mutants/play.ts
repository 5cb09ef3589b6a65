import type { HttpAnswer, HttpRequest } from "../../support/http-client.ts";
import { seed } from "./settings.ts";

/** What is wrong with an answer in any case; undefined: nothing. */
export function wrongAnswer({ status, text, ms }: HttpAnswer, msMax: number): string | undefined {
  if (status === 0) return `no answer: ${text}`;
  if (status < 200 || status > 499 || (status > 299 && status < 400)) return `answered ${status}`;
  if (ms > msMax) return `answered ${status} after ${Math.round(ms)} ms`;
  return status > 399 && !hasErrorShape(text) ? `answered ${status} in another shape` : undefined;
}

/** Of an answer that is wrong: whether the same request may well be answered rightly a moment later. */
export const isPassing = ({ status, ms }: HttpAnswer): boolean =>
  status === 503 || (status > 0 && status < 500 && ms > 1000);

function hasErrorShape(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error: { code?: unknown; message?: unknown } };
    return typeof error.code === "string" && typeof error.message === "string" && error.message !== "";
  } catch {
    return false;
  }
}

/** Everything that is needed to see and to repeat a mutant that was answered wrongly. */
export function described(number: number, what: string, request: HttpRequest, answer: HttpAnswer): string {
  const body = Buffer.from(request.body ?? []);
  return [
    `mutant ${number} (WEIR_SEED=${seed} WEIR_MUTANT=${number}): ${what}`,
    `  ${request.method} ${JSON.stringify(request.path)} ${JSON.stringify(request.headers)}`,
    `  ${JSON.stringify(body.subarray(0, 3000).toString("latin1"))}${body.length > 3000 ? ` … ${body.length} bytes` : ""}`,
    `  ${answer.status} ${answer.text.slice(0, 500)} (${Math.round(answer.ms)} ms)`,
  ].join("\n");
}

const findingsMax = 10;

/** Plays what is numbered, so many beside each other, until ten have gone wrong; answers what was wrong. */
export async function playAll(
  numbers: readonly number[],
  atOnce: number,
  play: (number: number) => Promise<string | undefined>,
): Promise<string[]> {
  const waiting = numbers.values();
  const findings: string[] = [];
  const worker = async (): Promise<void> => {
    for (const number of waiting) {
      if (findings.length >= findingsMax) return;
      const finding = await play(number);
      if (finding !== undefined) findings.push(finding);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return findings;
}
