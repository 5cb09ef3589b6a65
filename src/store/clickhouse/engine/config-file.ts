import { readFile, writeFile } from "node:fs/promises";

/** Writes the engine's settings, unless they are there: a file that is emptied first would stay empty on a full disk. */
export async function writeConfig(path: string, memoryMax: number): Promise<void> {
  const config = serverConfig(memoryMax);
  const found = await readFile(path, "utf8").catch(() => undefined);
  if (found !== config) await writeFile(path, config);
}

/**
 * The engine keeps every thread that a crowd of statements ever needed, 1,000 by default, each with three open files; of a
 * few it makes use.
 */
const idleThreadsMax = 32;

/** Settings of the server, not of a session: they can only come from a file. Caches are bounded by the memory as well. */
function serverConfig(memoryMax: number): string {
  const settings = {
    max_server_memory_usage: memoryMax,
    mark_cache_size: Math.floor(memoryMax / 16),
    primary_index_cache_size: Math.floor(memoryMax / 16),
    index_mark_cache_size: Math.floor(memoryMax / 64),
    // It remembers by the text of conditions which parts hold nothing of them; ours name times and positions, new each time.
    query_condition_cache_size: 0,
    background_pool_size: 4,
    max_thread_pool_free_size: idleThreadsMax,
  };
  const lines = Object.entries(settings).map(([name, value]) => `  <${name}>${value}</${name}>\n`);
  return `<clickhouse>\n${lines.join("")}</clickhouse>\n`;
}
