import assert from "node:assert/strict";
import { test } from "node:test";
import { readCompose, textOf } from "../check/read.ts";

const text = textOf("deploy/clickhouse/logs.xml");
/** Each element: the names of those around it, and itself. */
const elements = elementsOf(text);

test("the settings of ClickHouse's logs are a document whose elements close in order, and the server reads them", () => {
  assert.throws(() => elementsOf("<clickhouse><logger></clickhouse></logger>"), /clickhouse closes logger/);
  assert.equal(elements[0], "clickhouse");
  const mounts = (readCompose("deploy/compose.yaml").services["clickhouse"]!.volumes ?? []).map((one) =>
    one.split(":"),
  );
  assert.deepEqual(
    mounts.filter(([source]) => source === "./clickhouse/logs.xml").map(([, target]) => target),
    ["/etc/clickhouse-server/config.d/logs.xml"],
  );
});

test("each log of its own that a server keeps goes after some days; those that have rows of every step are not kept", () => {
  const logs = elements.flatMap((path) => /^clickhouse\/(\w+_log)$/.exec(path)?.[1] ?? []);
  const removed = logs.filter((name) => text.includes(`<${name} remove="1"/>`));
  const ofKeeper = ["aggregated_zookeeper_log", "zookeeper_connection_log"];
  for (const name of ["text_log", "trace_log", "query_metric_log", ...ofKeeper])
    assert.ok(removed.includes(name), name);
  const kept = logs.filter((name) => !removed.includes(name));
  for (const name of ["query_log", "part_log", "metric_log"]) assert.ok(kept.includes(name), name);
  for (const name of kept) {
    // With an engine of the server's own the time to live would be refused: so the section takes the place of the server's.
    const section = new RegExp(`<${name} replace="1">.*</${name}>`, "s").exec(text)?.[0] ?? "";
    assert.match(section, new RegExp(`<table>${name}</table>`), name);
    assert.match(section, /<ttl>event_date \+ INTERVAL \d DAY DELETE<\/ttl>/, name);
  }
  assert.match(text, /<logger>\s*<level>warning<\/level>/);
});

/** @throws AssertionError where an element is closed by another's end, or never. */
function elementsOf(xml: string): readonly string[] {
  const open: string[] = [];
  const found: string[] = [];
  for (const [, end, name = "", empty] of xml.replaceAll(/<!--.*?-->/gs, "").matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
    if (end === "") found.push([...open, name].join("/"));
    if (end === "" && empty === "") open.push(name);
    if (end === "/") {
      const last = open.pop();
      assert.equal(name, last, `${name} closes ${last}`);
    }
  }
  assert.deepEqual(open, []);
  return found;
}
