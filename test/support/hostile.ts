/** Texts and keys that have once been somebody's trouble, for every place where a client may put a text. One list for all tests. */

/** Keys of payloads that mean something to SQL, to the engine, to JSON or to CSV. At most 128 bytes each. */
export const hostileKeys = [
  "a`b",
  "a\\",
  'a"b',
  "a'b",
  "a\\`, (SELECT 1) AS `b",
  "x; DROP TABLE rollups; --",
  "{series:UInt32}",
  "a\nb\tc\r\u0000d",
  "a.b",
  "/* a",
  "ключ",
  "\u{1f642}\u202e",
  "FORMAT Null",
  "$$",
  "%d,=1+1",
  "w.value",
  "value",
];
/** Texts that mean something to one of them, or are hard to carry. Any of them may be a value. */
export const hostileValues = [
  "",
  " ",
  '"',
  ",",
  'a","b',
  "a\r\nb\tc",
  "\\N",
  "NULL",
  "null",
  "'",
  "`",
  "\\",
  "\\'; DROP TABLE rollups",
  "=1+1",
  "\u0000",
  "\u0001\u001f\u007f",
  "é e\u0301 \u{1f642} \u202e \u2028",
  "7",
  "true",
  "x".repeat(3000),
];

/** What would do harm if any of it were taken for a statement, a path, a format or a header. */
export interface HarmfulPlaces {
  /** A file that is there; its text must never be answered. */
  readonly secretFile: string;
  /** A file that is not there and must not come to be. */
  readonly canaryFile: string;
  /** An address that nobody must ask. */
  readonly url: string;
}

/** Attacks at most 250 characters long, so that they fit wherever a text does. */
export function attacks({ secretFile, canaryFile, url }: HarmfulPlaces): readonly string[] {
  const read = `file('${secretFile}','LineAsString','line String')`;
  const statements = [
    `SELECT * FROM ${read}`,
    `INSERT INTO FUNCTION file('${canaryFile}','CSV','x String') SELECT 1`,
    `SELECT 1 INTO OUTFILE '${canaryFile}'`,
    `SELECT * FROM url('${url}','LineAsString','line String')`,
    "DROP TABLE rollups",
    "TRUNCATE TABLE raw_events",
    "CREATE TABLE canary (x UInt8) ENGINE = Log",
    "CREATE FUNCTION canary AS (x) -> x",
    "SYSTEM SHUTDOWN",
    "SET max_threads = 1",
    "KILL QUERY WHERE 1",
    "ALTER TABLE raw_events DELETE WHERE 1",
  ];
  const ways = [
    (sql: string) => `'; ${sql}; --`,
    (sql: string) => `x'); ${sql} -- `,
    (sql: string) => `\\'; ${sql} /*`,
    (sql: string) => `' UNION ALL ${sql} #`,
    (sql: string) => `\` ; ${sql}; --`,
    (sql: string) => sql,
  ];
  return [...statements.map((sql, at) => ways[at % ways.length]!(sql)), ...expressions(read, url), ...notSql];
}

const expressions = (read: string, url: string): readonly string[] => [
  `' || (SELECT * FROM ${read}) || '`,
  `(SELECT any(line) FROM ${read})`,
  `' OR 1 = 1 OR '`,
  `' IN (SELECT * FROM url('${url}')) OR '`,
  "' AND sleep(3) AND '",
  "' SETTINGS readonly = 0, allow_ddl = 1 --",
  "' FORMAT Native --",
  "count() OVER (), version(), currentUser()",
  "getSetting('max_threads')",
  "dictGet('x', 'y', 1)",
];

const notSql: readonly string[] = [
  "{series:UInt32}",
  "{table:Identifier}",
  "{v0:String}",
  "${1 + 1} #{1 + 1} {{1 + 1}}",
  "$where",
  '{"$ne":null}',
  '{"$gt":""}',
  "../../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "x\r\nX-Canary: 1\r\n\r\nSELECT 1",
  "x\nSet-Cookie: canary=1",
  "%0d%0aX-Canary:%201",
  "x&query=DROP TABLE rollups&rule_id=canary",
  "x#fragment?start_time=0",
  "payload.a'] || sleep(3) || ['b",
  'payload["a"]"], sleep(3), ["',
  "$.a[*] ? (@ > 1)",
  "a.b[0].:Int64.^c",
  "<script>alert(1)</script>",
  "${jndi:ldap://127.0.0.1/a}",
  "=cmd|'/C calc'!A0",
  "__proto__",
  "constructor",
  "toString",
];
