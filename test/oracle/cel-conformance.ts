/** The conformance cases of the CEL specification, as filters: what must be true, or fail. */
import { getConformanceSuite, type IncrementalTestSuite } from "@bufbuild/cel-spec/testdata/tests.js";

export interface ConformanceCase {
  /** `file/section/name`. */
  readonly name: string;
  /** An expression whose value is a boolean. */
  readonly text: string;
  /** Null for an error. */
  readonly expected: boolean | null;
}

/** The cases that can be asked of one expression alone, and how many can't, by reason. */
export function conformanceCases(): {
  readonly cases: readonly ConformanceCase[];
  readonly left: ReadonlyMap<string, number>;
} {
  const left = new Map<string, number>();
  const cases: ConformanceCase[] = [];
  for (const [name, test] of tests(getConformanceSuite(), "")) {
    const found = asCase(name, test);
    if (typeof found === "string") left.set(found, (left.get(found) ?? 0) + 1);
    else cases.push(found);
  }
  return { cases, left };
}

type Test = IncrementalTestSuite["tests"][number];

function* tests(suite: IncrementalTestSuite, path: string): Generator<readonly [string, Test]> {
  for (const test of suite.tests) yield [`${path}/${test.name}`.slice("/conformance/".length), test];
  for (const inner of suite.suites)
    yield* tests(inner, `${path}/${inner.name}`.replace(/^(?!\/conformance)/, "/conformance"));
}

function asCase(name: string, { original }: Test): ConformanceCase | string {
  const { expr, resultMatcher: matcher } = original;
  if (Object.keys(original.bindings).length > 0 || original.typeEnv.length > 0) return "has variables";
  if (original.checkOnly) return "asks for a type only";
  if (matcher.case === "evalError" || matcher.case === "anyEvalErrors")
    // The comparison makes a boolean of it and lets the error through.
    return { name, text: `dyn(${expr}) == 0`, expected: null };
  if (matcher.case === undefined) return { name, text: expr, expected: true };
  if (matcher.case !== "value") return "has a result of another kind";
  const { kind } = matcher.value;
  if (kind.case === "boolValue") return { name, text: expr, expected: kind.value };
  const literal = literalOf(kind);
  return literal === undefined
    ? "has an object, list or bytes as result"
    : { name, text: `(${expr}) == ${literal}`, expected: true };
}

function literalOf(kind: { readonly case: string | undefined; readonly value?: unknown }): string | undefined {
  const { value } = kind;
  if (kind.case === "int64Value") return String(value);
  if (kind.case === "uint64Value") return `${String(value)}u`;
  if (kind.case === "stringValue" && typeof value === "string")
    return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
  if (kind.case === "doubleValue" && typeof value === "number" && Number.isFinite(value)) return doubleText(value);
  return undefined;
}

const doubleText = (value: number): string => (/[.e]/.test(String(value)) ? String(value) : `${value}.0`);
