import type { Http, Query } from "./http.ts";
import type { EventRow, EventsAnswer, StatsAnswer, StatsRow } from "./wire.ts";

/** A moment: RFC 3339, ms since the epoch, or a date. */
export type Moment = string | number | Date;

export interface StatsQuestion {
  readonly rule: string;
  /** The first window; a day ago when left out. */
  readonly from?: Moment;
  /** Windows that begin before it; now when left out. */
  readonly to?: Moment;
  /** Only these groups, by the rule's `group_by`: `{"payload.country": "DE"}`; null is the group without a value. */
  readonly groups?: Readonly<Record<string, string | number | boolean | null>>;
  readonly order?: "newest" | "oldest";
  /** Windows of this length instead of the rule's own, as `1h`. */
  readonly step?: string;
  readonly fill?: "none" | "zero";
  /** Of the rule. */
  readonly version?: number;
  /** Rows of a page, up to 10,000. */
  readonly limit?: number;
  /** Of the answer before. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

export interface EventsQuestion {
  readonly from?: Moment;
  readonly to?: Moment;
  readonly event_id?: string;
  readonly event_type?: string;
  readonly user_id?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

/** The windows of rules. Every method throws `WeirError` as the server refuses it. */
export class Stats {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** One page. */
  page(question: StatsQuestion): Promise<StatsAnswer> {
    return this.#http.json({ path: "/stats", query: statsQuery(question), signal: question.signal });
  }

  /** Every page of what is asked for, each asked for when the one before has been used. */
  pages(question: StatsQuestion): AsyncGenerator<StatsAnswer, void> {
    return pages(question, (next) => this.page(next));
  }

  /** Every row. */
  async *rows(question: StatsQuestion): AsyncGenerator<StatsRow, void> {
    for await (const { data } of this.pages({ limit: 1000, ...question })) yield* data;
  }
}

/** The stored events, whole, newest first. */
export class Events {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  page({ from, to, signal, ...rest }: EventsQuestion = {}): Promise<EventsAnswer> {
    const query = { ...rest, start_time: timeText(from), end_time: timeText(to) };
    return this.#http.json({ path: "/events", query, signal });
  }

  pages(question: EventsQuestion = {}): AsyncGenerator<EventsAnswer, void> {
    return pages(question, (next) => this.page(next));
  }

  async *rows(question: EventsQuestion = {}): AsyncGenerator<EventRow, void> {
    for await (const { data } of this.pages({ limit: 1000, ...question })) yield* data;
  }
}

async function* pages<Question extends { readonly cursor?: string }, Page extends { readonly next_cursor?: string }>(
  question: Question,
  ask: (question: Question) => Promise<Page>,
): AsyncGenerator<Page, void> {
  for (let next: Question | undefined = question; next;) {
    const page: Page = await ask(next);
    yield page;
    next = page.next_cursor === undefined ? undefined : { ...question, cursor: page.next_cursor };
  }
}

function statsQuery({ rule, from, to, groups = {}, signal: _signal, ...rest }: StatsQuestion): Query {
  const wanted = Object.entries(groups);
  const filters = wanted.filter(([, value]) => value !== null).map(([name, value]) => [parameterOf(name), value]);
  const withoutValue = wanted.filter(([, value]) => value === null).map(([name]) => name);
  return {
    rule_id: rule,
    start_time: timeText(from),
    end_time: timeText(to),
    ...rest,
    ...(Object.fromEntries(filters) as Query),
    ...(withoutValue.length > 0 && { null_group: withoutValue }),
  };
}

/** The filter of a name of `group_by`. */
const parameterOf = (name: string): string => (name === "event_type" || name === "user_id" ? name : `group.${name}`);

/** As the server reads times. A date that is none is written so, too: it is refused as any other text. */
export function timeText(moment: Moment | undefined): string | undefined {
  const isMoment = moment instanceof Date && !Number.isNaN(moment.getTime());
  return isMoment ? moment.toISOString() : moment?.toString();
}
