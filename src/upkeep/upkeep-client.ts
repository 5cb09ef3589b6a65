import type { ErrorBody } from "../protocol/errors.ts";
import type { VerificationAnswer } from "../protocol/verification.ts";

export type Rules = readonly { readonly rule_id: string; readonly state: string; readonly progress: number }[];

/** Upkeep speaks to a server as anybody would, be it one that was started for it: over HTTP. */
export class UpkeepClient {
  readonly #queryUrl: string;

  constructor(queryUrl: string) {
    this.#queryUrl = queryUrl.replace(/\/$/, "");
  }

  async rules(): Promise<Rules> {
    const { rules } = (await this.#json("GET", "/aggregation-rules")) as { rules: Rules };
    return rules;
  }

  async verification(ruleId: string): Promise<VerificationAnswer> {
    return (await this.#json("GET", `/aggregation-rule/${ruleId}/verification`)) as VerificationAnswer;
  }

  async rebuild(ruleId: string): Promise<void> {
    await this.#json("POST", `/aggregation-rule/${ruleId}/rebuild`);
  }

  async #json(method: "GET" | "POST", path: string): Promise<unknown> {
    const response = await fetch(this.#queryUrl + path, { method });
    const body: unknown = await response.json();
    if (!response.ok) throw new Error((body as ErrorBody).error.message);
    return body;
  }
}
