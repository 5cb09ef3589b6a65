/** What may stand in a compose file: the part of the specification that ours use. A key that is not here is a typing mistake, or new. */
export const topKeys = ["name", "services", "networks", "volumes"];

export const serviceKeys = [
  "build",
  "cap_drop",
  "command",
  "depends_on",
  "deploy",
  "entrypoint",
  "environment",
  "healthcheck",
  "image",
  "init",
  "logging",
  "networks",
  "ports",
  "profiles",
  "read_only",
  "restart",
  "security_opt",
  "stop_grace_period",
  "tmpfs",
  "ulimits",
  "volumes",
];

export const buildKeys = ["context", "dockerfile", "target"];
export const healthcheckKeys = ["disable", "interval", "retries", "start_period", "test", "timeout"];
export const conditions = ["service_started", "service_healthy", "service_completed_successfully"];
