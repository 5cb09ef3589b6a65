// `node deploy/image/health.mjs [/health | /ready]`: ends with 0 when the Weir of this container answers it with 200. For
// health checks, in an image that has no curl. A process that takes events only has no other port than that.
const { env } = process;
const path = process.argv[2] ?? "/health";
const roles = (env.WEIR_ROLES || "ingest,processor,query").split(",").map((role) => role.trim());
const port = roles.every((role) => role === "ingest") ? env.WEIR_INGEST_PORT || 8000 : env.WEIR_QUERY_PORT || 8001;

try {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(4000) });
  console.log(`${response.status} ${(await response.text()).slice(0, 1000)}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(`nobody answers on port ${port}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
