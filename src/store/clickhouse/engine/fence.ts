import { EngineException } from "./exception.ts";
import type { Token } from "./lexer.ts";
import { isSign, readStatement, single, type Statement } from "./statement.ts";

/**
 * Lets a reader's statement through, or throws READONLY. The engine's own `readonly=1` stops writing, DDL and most table
 * functions; measured, it does not stop `file()` as a function, `INTO OUTFILE`, `KILL QUERY`, and statements behind a
 * semicolon. Those are stopped here. In an embedded engine they would reach the machine's files.
 */
export function checkReader(text: string): Statement {
  const statement = readStatement(text);
  if (statement.kind !== "read") throw refused("only statements that read are allowed");
  const tokens = single(text);
  tokens.forEach((token, at) => {
    const problem = problemAt(tokens, token, at);
    if (problem) throw refused(problem);
  });
  return statement;
}

function problemAt(tokens: readonly Token[], token: Token, at: number): string | null {
  if (token.kind === "string" || token.kind === "sign") return null;
  if (token.kind === "name" && token.text.includes("\\")) return "a quoted name can't hold a backslash";
  const name = token.text.toLowerCase();
  if (token.kind === "word" && forbiddenKeywords.has(name)) return `${name.toUpperCase()} is not allowed`;
  // Higher-order functions take a function by its bare name, so the name itself is refused; behind a dot it is a column.
  if (forbiddenNames.has(name) && !isSign(tokens[at - 1], ".")) return `${name} is not allowed`;
  if (name === "identifier" && isSign(tokens[at - 1], ":")) return "a parameter can't be an identifier";
  if (forbiddenCalls.test(name) && isSign(tokens[at + 1], "(")) return `the function ${name} is not allowed`;
  if (forbiddenTables.has(name) && (at === 0 || !isColumn(tokens, at))) return `the table ${name} is not allowed`;
  return null;
}

const forbiddenKeywords = new Set(["outfile", "infile", "parallel", "kill", "insert"]);

/** Read files, load libraries, call out, or show the process's inside. */
const forbiddenNames = new Set([
  ...[
    "file",
    "catboostevaluate",
    "showcertificate",
    "addresstoline",
    "addresstolinewithinlines",
    "addresstosymbol",
    "demangle",
  ],
  ...["aiclassify", "aiembed", "aiextract", "aigenerate", "aitranslate", "logtrace", "eval", "executable"],
]);

/** Table functions that read outside of the tables; most are refused by the engine as well. */
const forbiddenCalls =
  /^(merge|cluster|clusterallreplicas|remote|remotesecure|url|urlcluster|filecluster|filesystem|s3|s3cluster|gcs|oss|cosn|hdfs.*|azure.*|iceberg.*|delta.*|hudi.*|paimon.*|ytsaurus|mysql|postgresql|sqlite|mongodb|redis|odbc|jdbc|dictionary|input|python|arrowstream|prometheus.*)$/;

const forbiddenTables = new Set([
  "stack_trace",
  "processes",
  "user_processes",
  "named_collections",
  "jemalloc_profile_text",
  "symbols",
]);

/** A name behind a dot is a column, unless the word before the dot is the system database. */
function isColumn(tokens: readonly Token[], at: number): boolean {
  return isSign(tokens[at - 1], ".") && tokens[at - 2]?.text.toLowerCase() !== "system";
}

/** What `GET` may ask for, whoever asks. */
export function checkReads(statement: Statement): void {
  if (statement.kind === "read") return;
  throw new EngineException(
    "READONLY",
    "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly",
  );
}

function refused(why: string): EngineException {
  return new EngineException("READONLY", `Cannot execute query in readonly mode: ${why}`);
}
